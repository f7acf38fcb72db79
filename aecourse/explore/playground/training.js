import { normals, sigmoid, uniforms } from "../../page/runtime.js";
// Training in the page: dense autoencoders and VAEs of Bernoulli pixels, their gradients and Adam. Nothing here draws.
// Everything is float64 and row after row; losses are nats per image, summed over pixels and code, averaged over images.

// One seed's uniform and normal numbers, from one stream.
export function randomness(seed) {
  const uniform = uniforms(seed), normal = normals(uniform);
  return { uniform, normals: (n) => Float64Array.from({ length: n }, normal) };
}

// Each activation and its derivative, which is given the value before (x) and after (y).
const bends = {
  relu: [(x) => (x > 0 ? x : 0), (x) => (x > 0 ? 1 : 0)],
  tanh: [Math.tanh, (x, y) => 1 - y * y],
  sigmoid: [sigmoid, (x, y) => y * (1 - y)],
};

// A chain of dense layers whose weights are views of one long array, which is what the optimiser sees.
function chain(sizes, activation, weights, gradients, start) {
  const [bend, slope] = bends[activation], layers = [];
  for (let l = 0; l + 1 < sizes.length; l++) {
    const [inputs, outputs] = [sizes[l], sizes[l + 1]], end = start + outputs * inputs;
    layers.push({ inputs, outputs, last: l + 2 === sizes.length,
      w: weights.subarray(start, end), b: weights.subarray(end, end + outputs),
      gw: gradients.subarray(start, end), gb: gradients.subarray(end, end + outputs) });
    start = end + outputs;
  }

  // x [n, inputs] -> every layer's input, value before and value after its bend.
  function forward(x, n) {
    return layers.map(({ inputs, outputs, w, b, last }) => {
      const before = new Float64Array(n * outputs);
      for (let i = 0; i < n; i++) for (let o = 0; o < outputs; o++) {
        let sum = b[o];
        for (let j = 0, wi = o * inputs, xi = i * inputs; j < inputs; j++) sum += w[wi + j] * x[xi + j];
        before[i * outputs + o] = sum;
      }
      const step = { x, before, after: last ? before : before.map(bend) };
      x = step.after;
      return step;
    });
  }

  // The gradient at the outputs [n, outputs] -> that at the inputs; the weights' gradients are added up on the way.
  function backward(steps, gradient, n) {
    for (let l = layers.length - 1; l >= 0; l--) {
      const { inputs, outputs, w, gw, gb, last } = layers[l], { x, before, after } = steps[l];
      const below = new Float64Array(n * inputs);
      for (let i = 0; i < n; i++) for (let o = 0; o < outputs; o++) {
        const k = i * outputs + o, g = last ? gradient[k] : gradient[k] * slope(before[k], after[k]);
        if (g === 0) continue;
        gb[o] += g;
        for (let j = 0, wi = o * inputs, xi = i * inputs; j < inputs; j++) {
          gw[wi + j] += g * x[xi + j];
          below[xi + j] += g * w[wi + j];
        }
      }
      gradient = below;
    }
    return gradient;
  }

  return { layers, forward, backward, outputs: (x, n) => forward(x, n).at(-1).after };
}

// settings: { model: "vae" or "autoencoder", pixels, code, width, layers, activation }, and what may change during
// training: { beta, noise, sparsity, rate }.
export function trainable(settings, random) {
  const vae = settings.model === "vae", { code, pixels } = settings;
  const hidden = Array(settings.layers).fill(settings.width);
  const up = [pixels, ...hidden, vae ? 2 * code : code], down = [code, ...hidden, pixels];
  const count = (sizes) => sizes.slice(1).reduce((sum, n, l) => sum + n * (sizes[l] + 1), 0);
  const weights = new Float64Array(count(up) + count(down)), gradients = new Float64Array(weights.length);
  const encoder = chain(up, settings.activation, weights, gradients, 0);
  const decoder = chain(down, settings.activation, weights, gradients, count(up));
  for (const { inputs, w, b } of [...encoder.layers, ...decoder.layers]) // as torch.nn.Linear begins
    for (const part of [w, b]) for (let k = 0; k < part.length; k++) part[k] = (2 * random.uniform() - 1) / Math.sqrt(inputs);

  const first = new Float64Array(weights.length), second = new Float64Array(weights.length); // Adam's two averages
  let updates = 0;

  // The code of each image: the mean of q(z|x), or z itself.
  function encode(x, n) {
    const said = encoder.outputs(x, n);
    return vae ? Float64Array.from({ length: n * code }, (_, k) => said[2 * code * Math.floor(k / code) + k % code]) : said;
  }
  const decode = (z, n) => decoder.outputs(z, n).map(sigmoid);

  // The terms of the loss for clean images x [n, pixels]; their gradient is left in `gradients`. corruption [n, pixels]
  // is added to what the encoder sees, eps [n, code] is the chance in z = mu + sigma * eps.
  function gradient(x, n, corruption, eps) {
    gradients.fill(0);
    const seen = corruption ? x.map((v, k) => v + corruption[k]) : x;
    const ups = encoder.forward(seen, n), said = ups.at(-1).after, z = new Float64Array(n * code);
    let kl = 0, penalty = 0, reconstruction = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < code; j++) {
      const k = i * code + j;
      if (!vae) { z[k] = said[k]; penalty += Math.abs(z[k]) / n; continue; }
      const mu = said[2 * i * code + j], logVar = said[(2 * i + 1) * code + j];
      z[k] = mu + Math.exp(logVar / 2) * eps[k];
      kl -= (1 + logVar - mu * mu - Math.exp(logVar)) / 2 / n;
    }
    const downs = decoder.forward(z, n), logits = downs.at(-1).after, error = new Float64Array(n * pixels);
    for (let k = 0; k < error.length; k++) {
      const a = logits[k]; // -log p(x|z) of a Bernoulli pixel: log(1 + e^a) - a x
      reconstruction += (Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))) - a * x[k]) / n;
      error[k] = (sigmoid(a) - x[k]) / n;
    }
    const back = decoder.backward(downs, error, n), top = new Float64Array(said.length);
    for (let i = 0; i < n; i++) for (let j = 0; j < code; j++) {
      const k = i * code + j, m = 2 * i * code + j, v = m + code;
      if (!vae) { top[k] = back[k] + settings.sparsity * Math.sign(z[k]) / n; continue; }
      const sigma = Math.exp(said[v] / 2);
      top[m] = back[k] + settings.beta * said[m] / n;
      top[v] = back[k] * eps[k] * sigma / 2 + settings.beta * (sigma * sigma - 1) / 2 / n;
    }
    encoder.backward(ups, top, n);
    return vae ? { loss: reconstruction + settings.beta * kl, reconstruction, kl }
      : { loss: reconstruction + settings.sparsity * penalty, reconstruction, penalty };
  }

  // One step of Adam (Kingma & Ba 2015) against the gradients at hand.
  function update() {
    const [b1, b2] = [0.9, 0.999], c1 = 1 - b1 ** ++updates, c2 = 1 - b2 ** updates;
    for (let k = 0; k < weights.length; k++) {
      const g = gradients[k];
      first[k] += (1 - b1) * (g - first[k]);
      second[k] += (1 - b2) * (g * g - second[k]);
      weights[k] -= settings.rate * (first[k] / c1) / (Math.sqrt(second[k] / c2) + 1e-8);
    }
  }

  return { settings, weights, gradients, encoder, decoder, encode, decode, gradient, update };
}
