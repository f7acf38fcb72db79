// Exact t-SNE (van der Maaten & Hinton 2008): every pair of points counts. Tables of pairs are arrays of n * n numbers, row after
// row; places in the plane are pairs [x, y] in one array of 2 n numbers.
export const EARLY = 100; // steps with exaggeration
const EXAGGERATION = 12, RATE = 50, MOMENTA = [0.5, 0.8], TINY = 1e-12, HALVINGS = 100;

// Squared distances between all n points.
export function squaredDistances(points, n) {
  const table = new Float64Array(n * n), size = points.length / n;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += (points[i * size + k] - points[j * size + k]) ** 2;
    table[i * n + j] = table[j * n + i] = sum;
  }
  return table;
}

// p(j|i) for all j: the width of point i is halved and doubled, then bisected, until e^entropy is the perplexity.
function neighbourhood(squared, n, i, perplexity) {
  const row = new Float64Array(n), target = Math.log(perplexity);
  let low = 0, high = Infinity, precision = 1, nearest = Infinity; // precision: 1 / (2 width^2)
  for (let j = 0; j < n; j++) if (j !== i) nearest = Math.min(nearest, squared[i * n + j]);
  for (let round = 0; round < HALVINGS; round++) {
    let total = 0, mean = 0;
    for (let j = 0; j < n; j++) {
      const far = squared[i * n + j] - nearest;
      row[j] = j === i ? 0 : Math.exp(-precision * far);
      total += row[j];
      mean += row[j] * far;
    }
    for (let j = 0; j < n; j++) row[j] /= total;
    const entropy = Math.log(total) + precision * mean / total;
    if (Math.abs(entropy - target) < TINY) break;
    if (entropy > target) low = precision; else high = precision;
    precision = high === Infinity ? 2 * precision : (low + high) / 2;
  }
  return row;
}

// P, the table of p_ij: symmetric, with sum 1.
export function affinities(squared, n, perplexity) {
  const table = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = neighbourhood(squared, n, i, perplexity);
    for (let j = 0; j < n; j++) {
      table[i * n + j] += row[j] / (2 * n);
      table[j * n + i] += row[j] / (2 * n);
    }
  }
  return table;
}

// 1 / (1 + squared distance) of all pairs of places, and its sum; divided by that, it is Q.
function closeness(y, n) {
  const table = new Float64Array(n * n);
  let total = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
    const value = 1 / (1 + (y[2 * i] - y[2 * j]) ** 2 + (y[2 * i + 1] - y[2 * j + 1]) ** 2);
    table[i * n + j] = value;
    total += 2 * value;
  }
  return { table, total };
}

// The derivative of KL(P || Q) by the places; P may be exaggerated.
export function gradient(P, y, n, factor = 1) {
  const { table, total } = closeness(y, n), slope = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
    const close = table[i * n + j], pull = 4 * (factor * P[i * n + j] - close / total) * close;
    for (let axis = 0; axis < 2; axis++) {
      const force = pull * (y[2 * i + axis] - y[2 * j + axis]);
      slope[2 * i + axis] += force;
      slope[2 * j + axis] -= force;
    }
  }
  return slope;
}

// KL(P || Q) in nats.
export function divergence(P, y, n) {
  const { table, total } = closeness(y, n);
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
    const p = P[i * n + j];
    if (p > 0) sum += 2 * p * Math.log(p * total / table[i * n + j]);
  }
  return sum;
}

// A run from places by chance: { y, steps, step() }, by gradient descent with momentum and a gain for each coordinate, which
// grows while its slope keeps the direction of the movement and shrinks where it turns (Jacobs 1988).
export function descent(P, n, normal) {
  const y = Float64Array.from({ length: 2 * n }, () => 1e-4 * normal());
  const speed = new Float64Array(2 * n), gains = new Float64Array(2 * n).fill(1);
  const run = { y, steps: 0, step() {
    const early = run.steps < EARLY, slope = gradient(P, y, n, early ? EXAGGERATION : 1), momentum = MOMENTA[early ? 0 : 1];
    for (let k = 0; k < 2 * n; k++) {
      gains[k] = Math.max(0.01, slope[k] * speed[k] < 0 ? gains[k] + 0.2 : gains[k] * 0.8);
      speed[k] = momentum * speed[k] - RATE * gains[k] * slope[k];
      y[k] += speed[k];
    }
    run.steps++;
  } };
  return run;
}
