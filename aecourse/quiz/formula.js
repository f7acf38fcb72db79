// Formulas that readers type: understood without running them, and marked by their values. The same as formula.py, with the same
// words; see there. `known` is what Known.data holds: { names, points, parts }. A formula is nested lists: ["*", ["number", 2, "2"], ["name", "mu"]].
import { element } from "../page/runtime.js";

const LONGEST_FORMULA = 200, DEEPEST_FORMULA = 40, CLOSE_VALUES = 1e-6;
const FORMULA_CONSTANTS = { pi: Math.PI, "π": Math.PI, e: Math.E };
const FORMULA_FUNCTIONS = { sqrt: Math.sqrt, exp: Math.exp, log: Math.log, log2: Math.log2, log10: Math.log10, abs: Math.abs, sin: Math.sin, cos: Math.cos };
const OTHER_FUNCTIONS = { ln: "log", "√": "sqrt" };
const FORMULA_SIGNS = {
  "+": "+", "-": "-", "−": "-", "–": "-", "—": "-", "*": "*", "·": "*", "×": "*", "⋅": "*", "∙": "*", "•": "*",
  "/": "/", "÷": "/", "∕": "/", "⁄": "/", "^": "^", "(": "(", ")": ")", "[": "(", "]": ")", "{": "(", "}": ")",
};
const CLOSING = { "(": ")", "[": "]", "{": "}" };
const HIGH_SIGNS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", PLAIN_SIGNS = "0123456789+-";
const NUMBER_PARTS = { "½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅙": 1 / 6, "⅛": 1 / 8 };
const BLANK_SIGNS = " \t\n\r\u00a0\u2009\u200a\u202f\u2062\ufeff";
const NO_SIGNS = {
  "=": "only what stands right of the = is asked for.",
  "|": "write an absolute value as abs(...).",
  ",": "a comma is understood between two digits only.",
  "\\": "this is no TeX; write 1/2, sqrt(x), sigma^2.",
};
const SHOWN_LETTERS = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", eps: "ε", theta: "θ", kappa: "κ", lambda: "λ", mu: "μ", rho: "ρ", sigma: "σ", tau: "τ",
  phi: "φ", psi: "ψ", omega: "ω", pi: "π",
};
const itsOwn = (table, key) => Object.hasOwn(table, key) ? table[key] : undefined;
const letterOf = (name) => itsOwn(SHOWN_LETTERS, name) ?? name;

// ---- A text becomes a formula ----------------------------------------------------------------------------

class FormulaStop extends Error {
  constructor(at, end, words) { super(words); this.at = at; this.end = end; }
}

// -> { tree }, or { fault: { at, end, said } }
export function readFormula(text, known) {
  const signs = [...text].map(plainSign);
  if (signs.every((sign) => BLANK_SIGNS.includes(sign))) return { fault: { at: 0, end: 0, said: "Write a formula first." } };
  try {
    if (signs.length > LONGEST_FORMULA) throw new FormulaStop(LONGEST_FORMULA, signs.length, `a formula has at most ${LONGEST_FORMULA} signs.`);
    return { tree: formulaTree(formulaTokens(signs), signs.length, known) };
  } catch (stop) {
    if (!(stop instanceof FormulaStop)) throw stop;
    const found = signs.slice(stop.at, Math.min(stop.end, stop.at + 20)).join("");
    return { fault: { at: stop.at, end: stop.end, said: `${found ? `At “${found}” (sign ${stop.at + 1})` : "At the end"}: ${stop.message}` } };
  }
}

function plainSign(sign) { // a letter of mathematical type as the letter that it is
  const code = sign.codePointAt(0), place = (code - 0x1d6a8) % 58 - 26;
  return code >= 0x1d6a8 && code <= 0x1d7c9 && place >= 0 && place < 25 ? "αβγδεζηθικλμνξοπρςστυφχψω"[place] : sign;
}

function formulaTokens(signs) { // [kind, text, from, to] of each word, number and sign
  // Outside of the letters of mathematical type, which are no numbers and no words, one sign is one place of the text.
  const text = signs.map((sign) => sign.length > 1 ? "\ufffd" : sign).join(""), tokens = [];
  const match = (pattern, at) => { pattern.lastIndex = at; return pattern.exec(text)?.[0]; };
  for (let at = 0; at < text.length;) {
    const sign = text[at], start = at;
    let found;
    if (BLANK_SIGNS.includes(sign)) at += 1;
    else if ((found = match(/(?:torch|np|numpy|math)\.(?=[a-z])/y, at))) at += found.length;
    else if ((found = match(/(?:[0-9]+(?:[.,][0-9]+|\.)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y, at))) {
      at += found.length;
      tokens.push(["number", found.replace(",", "."), start, at]);
    } else if ((found = match(/(?:[A-Za-z][A-Za-z0-9_]*|[α-ωϑϕϱϵµ](?:_[A-Za-z0-9]+)?)/y, at))) {
      at += found.length;
      tokens.push(["word", found, start, at]);
    } else if (text.startsWith("**", at)) {
      at += 2;
      tokens.push(["^", "**", start, at]);
    } else if (HIGH_SIGNS.includes(sign)) {
      while (at < text.length && HIGH_SIGNS.includes(text[at])) at += 1;
      const digits = [...text.slice(start, at)].map((each) => PLAIN_SIGNS[HIGH_SIGNS.indexOf(each)]).join("");
      if (!/^[+-]?[0-9]+$/.test(digits)) throw new FormulaStop(start, at, "this exponent is no number.");
      tokens.push(["high", digits, start, at]);
    } else if (itsOwn(NUMBER_PARTS, sign)) {
      at += 1;
      tokens.push(["number", sign, start, at]);
    } else if (itsOwn(FORMULA_SIGNS, sign) || "√π".includes(sign)) {
      at += 1;
      tokens.push([itsOwn(FORMULA_SIGNS, sign) ?? "word", sign, start, at]);
    } else throw new FormulaStop(at, at + 1, itsOwn(NO_SIGNS, sign) ?? "this sign is not understood here.");
  }
  return tokens;
}

function formulaTree(tokens, length, known) {
  let place = 0, depth = 0;
  const kind = () => place < tokens.length ? tokens[place][0] : "end";
  const is = (...kinds) => kinds.includes(kind());
  const take = () => tokens[place++];
  const isNumber = (tree) => tree[0] === "number" || (tree[0] === "neg" && tree[1][0] === "number");
  function stop(words) {
    const [, , at, end] = is("end") ? [0, 0, length, length] : tokens[place];
    throw new FormulaStop(at, end, words);
  }
  function deeper(rule) {
    depth += 1;
    if (depth > DEEPEST_FORMULA) stop("this is nested too deeply.");
    const tree = rule();
    depth -= 1;
    return tree;
  }

  function sum() {
    let tree = product();
    while (is("+", "-")) {
      const [sign] = take();
      tree = [sign, tree, product()];
    }
    return tree;
  }
  function product() {
    let tree = signed(), below = false;
    for (;;) {
      if (is("*", "/")) {
        const [sign] = take();
        tree = [sign, tree, signed()];
        below = sign === "/" && !(isNumber(tree[1]) && isNumber(tree[2]));
      } else if (is("word", "(")) { // a product without a sign
        if (below) stop("is this still below the /? Parentheses say it.");
        tree = ["*", tree, power()];
      } else if (is("number")) stop("between this number and what stands before it a sign is missing.");
      else return tree;
    }
  }
  function signed() {
    if (!is("+", "-")) return power();
    const [sign] = take(), tree = deeper(signed);
    return sign === "-" ? ["neg", tree] : tree;
  }
  function power() {
    const tree = atom();
    if (is("high")) {
      const digits = take()[1].replace("+", ""), plain = digits.replace("-", ""), exponent = ["number", Number(plain), plain];
      if (is("high", "^")) stop("this is an exponent on an exponent; parentheses say of what.");
      return ["^", tree, digits[0] === "-" ? ["neg", exponent] : exponent];
    }
    if (!is("^")) return tree;
    take();
    return ["^", tree, deeper(signed)];
  }
  function atom() {
    if (is("number")) return numeral();
    if (is("word")) return word();
    if (is("(")) return inside();
    if (is("end")) return stop(`after “${tokens[tokens.length - 1][1]}” something is missing.`);
    return stop(is(")") ? "before this parenthesis something is missing." : "before this sign something is missing.");
  }
  function numeral() {
    const [, text, at, end] = take(), size = itsOwn(NUMBER_PARTS, text) ?? Number(text);
    if (!Number.isFinite(size)) throw new FormulaStop(at, end, "this number is too large.");
    return ["number", size, text];
  }
  function inside() {
    const [, opened, at, end] = take();
    if (is(")")) stop("between these parentheses something is missing.");
    const tree = deeper(sum);
    if (is("end")) throw new FormulaStop(at, end, "this parenthesis is never closed.");
    if (tokens[place][1] !== CLOSING[opened]) stop(`“${opened}” was opened, so “${CLOSING[opened]}” closes.`);
    take();
    return tree;
  }
  function word() {
    const [, text, at, end] = take(), low = text.toLowerCase(), called = itsOwn(OTHER_FUNCTIONS, low) ?? low;
    if (itsOwn(known.names, text)) return ["name", known.names[text]];
    if (itsOwn(FORMULA_FUNCTIONS, called)) return ["call", called, argument(text)];
    if (itsOwn(FORMULA_CONSTANTS, text)) return ["name", text === "e" ? "e" : "pi"];
    const alike = new Set(Object.keys(known.names).filter((each) => each.toLowerCase() === low).map((each) => known.names[each]));
    if (alike.size === 1) return ["name", [...alike][0]];
    throw new FormulaStop(at, end, `this is no name here. Known are ${knownNames(known)}.`);
  }
  function argument(name) {
    if (is("(")) return inside();
    if (is("high", "^")) stop(`write the power of ${name} as (${name}(...))^2.`);
    if (!is("word", "number", "+", "-")) stop(`after ${name} comes what it is taken of, in parentheses.`);
    const tree = deeper(signed);
    if (is("word", "(")) stop(`does ${name} apply to this as well? Parentheses say it.`);
    return tree;
  }

  const tree = sum();
  if (is(")")) stop("this parenthesis was never opened.");
  return tree;
}

function knownNames(known) {
  const names = Object.keys(known.points).map((name) => letterOf(name) === name ? name : `${name} (or ${letterOf(name)})`);
  return `${names.join(", ")}, and ${Object.keys(FORMULA_FUNCTIONS).join(", ")}`;
}

// ---- A formula has a value -------------------------------------------------------------------------------

const FORMULA_OPERATIONS = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "^": Math.pow, neg: (a) => -a };
const treeParts = (tree) => tree.slice(1).filter(Array.isArray);

// NaN where it, or any part of it, has no finite value.
export function formulaValue(tree, values) {
  const [kind, what] = tree;
  if (kind === "number") return what;
  if (kind === "name") return itsOwn(values, what) ?? FORMULA_CONSTANTS[what];
  const parts = treeParts(tree).map((part) => formulaValue(part, values));
  if (!parts.every(Number.isFinite)) return NaN;
  const result = (kind === "call" ? FORMULA_FUNCTIONS[what] : FORMULA_OPERATIONS[kind])(...parts);
  return Number.isFinite(result) ? result : NaN;
}

function valuesAtPoints(tree, { points }) {
  const names = Object.keys(points);
  return points[names[0]].map((_, i) => formulaValue(tree, Object.fromEntries(names.map((name) => [name, points[name][i]]))));
}

function sameValues(given, wanted) {
  if (![...given, ...wanted].every(Number.isFinite)) return false;
  const large = Math.max(...wanted.map(Math.abs));
  return given.every((g, i) => Math.abs(g - wanted[i]) <= CLOSE_VALUES * Math.max(Math.abs(wanted[i]), large / 1000));
}

// The first of the prepared answers, [{ answer, right }], with the same values: { row, right }; without one { right: false, hint },
// of which the hint may be empty; or { fault } where the formula is not understood.
export function markFormula(text, known, rows) {
  const { tree, fault } = readFormula(text, known);
  if (fault) return { fault };
  const given = valuesAtPoints(tree, known);
  const row = rows.findIndex(({ answer }) => sameValues(given, valuesAtPoints(readFormula(answer, known).tree, known)));
  if (row >= 0) return { row, right: rows[row].right };
  return { right: false, hint: formulaHint(tree, readFormula(rows.find(({ right }) => right).answer, known).tree, known) };
}

function formulaHint(tree, answer, known) {
  const given = valuesAtPoints(tree, known), wanted = valuesAtPoints(answer, known), columns = Object.entries(known.points);
  const none = given.findIndex((value) => !Number.isFinite(value));
  if (none >= 0) return `Your formula has no value at ${columns.map(([name, column]) => `${letterOf(name)} = ${shortNumber(column[none])}`).join(", ")}.`;
  if (!namesIn(answer).size) return "";
  const largest = wanted.reduce((best, value, i) => Math.abs(value) > Math.abs(wanted[best]) ? i : best, 0);
  const ratio = wanted[largest] ? given[largest] / wanted[largest] : 0, off = given[0] - wanted[0];
  if (Math.abs(ratio) >= 0.01 && Math.abs(ratio) <= 100 && sameValues(given, wanted.map((value) => ratio * value))) {
    return Math.abs(ratio + 1) < 1e-5 ? "The sign of the whole is turned."
      : `Right but for a constant factor: yours is ${shortNumber(ratio)} times what it should be.`;
  }
  if (Math.abs(off) >= 0.01 && Math.abs(off) <= 100 && sameValues(given, wanted.map((value) => value + off))) {
    return `Right but for a constant: yours is ${shortNumber(Math.abs(off))} ${off > 0 ? "more" : "less"} than it should be.`;
  }
  const has = variablesIn(tree, known), needs = variablesIn(answer, known), missing = columns.find(([name]) => needs.has(name) && !has.has(name));
  return missing ? `The answer depends on ${letterOf(missing[0])}, and yours does not.` : "";
}

const namesIn = (tree) => new Set(tree[0] === "name" ? [tree[1]] : treeParts(tree).flatMap((part) => [...namesIn(part)]));
const variablesIn = (tree, { parts }) => new Set([...namesIn(tree)].flatMap((name) => itsOwn(parts, name) ?? [name]));
const shortNumber = (x) => Number(x.toPrecision(3)).toFixed(6).replace(/\.?0+$/, "").replace("-", "−");

// ---- A formula as it was understood ----------------------------------------------------------------------

const FORMULA_RANKS = { "+": 1, "-": 1, neg: 1, "*": 2, "/": 2, "^": 3 };

// Plain text that can be read one way only: "(μ² + σ² − 1 − log(σ²)) / 2".
export function typesetFormula(tree) {
  const [kind, first, second] = signFirst(tree);
  if (kind === "number") return second;
  if (kind === "name") return letterOf(first);
  if (kind === "call") {
    const inner = typesetFormula(second);
    return first === "abs" ? `|${inner}|` : first === "sqrt" ? `√(${inner})` : `${first}(${inner})`;
  }
  if (kind === "neg") return `−${ranked(2, first)}`;
  if (kind === "+" || kind === "-") return `${ranked(1, first)} ${kind === "-" ? "−" : "+"} ${ranked(2, second)}`;
  if (kind === "*" || kind === "/") return `${first[0] === "*" ? typesetFormula(first) : ranked(3, first)} ${kind === "*" ? "·" : "/"} ${ranked(3, second)}`;
  const plain = second[0] === "neg" ? `-${typesetFormula(second[1])}` : typesetFormula(second);
  const high = /^-?[0-9]+$/.test(plain) ? [...plain].map((digit) => HIGH_SIGNS[PLAIN_SIGNS.indexOf(digit)]).join("") : `^${ranked(4, second)}`;
  return ranked(4, first) + high;
}

function signFirst(tree) { // (−2) · a as −(2 · a), which is shown as −2 · a
  if (tree[0] !== "*" && tree[0] !== "/") return tree;
  const first = signFirst(tree[1]);
  return first[0] === "neg" ? ["neg", [tree[0], first[1], tree[2]]] : [tree[0], first, tree[2]];
}

function ranked(rank, tree) {
  const text = typesetFormula(tree);
  return (FORMULA_RANKS[signFirst(tree)[0]] ?? 4) >= rank ? text : `(${text})`;
}

// ---- A box to type in ------------------------------------------------------------------------------------

// Writes below the box how its text is read, now and whenever it changes; returns what does so once more.
// A fault is shown where it is; that something is still missing at the end is no fault yet while the reader types.
export function formulaPreview(field, line, known, spoken) {
  function show() {
    const { tree, fault } = readFormula(field.value, known), signs = [...field.value];
    if (!field.value.trim()) line.replaceChildren();
    else if (tree) line.replaceChildren("Read as ", element("span", { class: "ae-read" }, typesetFormula(tree)));
    else if (fault.at >= signs.length) line.replaceChildren(fault.said);
    else {
      const part = (from, to) => signs.slice(from, to).join(""), marked = element("mark", {}, part(fault.at, fault.end));
      line.replaceChildren(element("span", { class: "ae-read", "aria-hidden": "true" }, part(0, fault.at), marked, part(fault.end)), " ", fault.said);
    }
    line.toggleAttribute("data-fault", Boolean(fault) && fault.at < signs.length);
  }
  field.addEventListener("input", () => { show(); spoken(line.querySelector("[aria-hidden]") ? line.lastChild.textContent : line.textContent); });
  show();
  return show;
}
