import { between, stepLengths } from "../../page/runtime.js";

// A path of codes whose decoded images take a shorter way: the energy, the sum of the squared steps times their number, falls
// by the method of Levenberg and Marquardt (Nocedal & Wright 2006, chapter 10), which fits, for the energy is a sum of squares.
const STEP = 0.01, ENOUGH = 1e-5, MOST = 40; // of a code, for a derivative; the fall at which a search ends, as a share; its steps

const inner = (a, b) => { let sum = 0; for (let k = 0; k < a.length; k++) sum += a[k] * b[k]; return sum; };
const energyOf = (images) => (images.length - 1) * stepLengths(images).reduce((sum, step) => sum + step * step, 0);

// x with Ax = b, by elimination; A is positive definite, and is used up.
function solved(A, b) {
  const n = b.length;
  for (let i = 0; i < n; i++) for (let r = i + 1; r < n; r++) {
    const share = A[r][i] / A[i][i];
    if (!share) continue;
    for (let c = i; c < n; c++) A[r][c] -= share * A[i][c];
    b[r] -= share * b[i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = i + 1; c < n; c++) b[i] -= A[i][c] * b[c];
    b[i] /= A[i][i];
  }
  return b;
}

// How the decoded image changes with each number of a code, by central differences.
const slopes = (decode, z) => z.map((_, axis) => {
  const [low, high] = [-STEP, STEP].map((step) => decode(z.map((value, k) => value + (k === axis ? step : 0))));
  return high.map((value, k) => (value - low[k]) / (2 * STEP));
});

// A search that begins at a path [[z1, z2], ...]; step() moves all places but the ends, and says whether there is more to do.
export function search(decode, start) {
  const D = start[0].length, count = start.length, last = count - 1;
  let path = start, images = path.map(decode), energy = energyOf(images), damping = 1e-3, steps = 0, system = null;

  function linearised() { // half the gradient of the energy, and half of its second derivatives, without those of the decoder
    const J = path.map((z, t) => (t && t < last ? slopes(decode, z) : null)), size = D * (count - 2);
    const A = Array.from({ length: size }, () => new Float64Array(size)), g = new Float64Array(size);
    for (let t = 1; t < last; t++) {
      const bend = images[t].map((value, k) => 2 * value - images[t - 1][k] - images[t + 1][k]);
      for (let i = 0; i < D; i++) {
        const row = D * (t - 1) + i;
        g[row] = last * inner(J[t][i], bend);
        for (let j = 0; j < D; j++) {
          A[row][row - i + j] = 2 * last * inner(J[t][i], J[t][j]);
          if (t + 1 < last) A[row][row - i + D + j] = A[row - i + D + j][row] = -last * inner(J[t][i], J[t + 1][j]);
        }
      }
    }
    return { A, g };
  }

  function step() {
    steps++;
    const { A, g } = system ??= linearised(), mean = A.reduce((sum, row, i) => sum + row[i], 0) / A.length || 1;
    const move = solved(A.map((row, i) => { const copy = row.slice(); copy[i] += damping * mean; return copy; }), g.slice());
    const tried = path.map((z, t) => (t && t < last ? z.map((value, k) => value - move[D * (t - 1) + k]) : z)), seen = tried.map(decode);
    const now = energyOf(seen), fell = energy - now, before = energy;
    if (fell > 0) [path, images, energy, damping, system] = [tried, seen, now, damping / 4, null];
    else damping *= 8;
    return steps < MOST && damping < 1e6 && !(fell >= 0 && fell < ENOUGH * before);
  }
  return { step, get path() { return path; }, get images() { return images; }, get energy() { return energy; }, get steps() { return steps; } };
}

// The places of a path, and others at equal distances between every two.
export const refined = (path, factor) => path.flatMap((z, t) => (t + 1 < path.length
  ? Array.from({ length: factor }, (_, k) => between(z, path[t + 1], k / factor)) : [z]));
