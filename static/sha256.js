// The SHA-256 of a file, in hexadecimal. By the browser where it can; on a plain http page it will not, and this does it.
(() => {
  "use strict";
  const CHUNK = 1024 * 1024;
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (value) => Math.floor((value - Math.floor(value)) * 4294967296) | 0;
  const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const ROUND = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
  const turn = (word, by) => (word >>> by) | (word << (32 - by));

  function digest() {
    const state = Int32Array.from(START);
    const words = new Int32Array(64);
    let rest = new Uint8Array(0);
    let length = 0;
    const block = (bytes, at) => {
      for (let i = 0; i < 16; i += 1, at += 4) words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
      for (let i = 16; i < 64; i += 1) {
        const a = words[i - 15];
        const b = words[i - 2];
        words[i] = (words[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + words[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i += 1) {
        const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0;
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = (state[i] + word) | 0; });
    };
    const add = (bytes) => {
      length += bytes.length;
      const all = new Uint8Array(rest.length + bytes.length);
      all.set(rest);
      all.set(bytes, rest.length);
      let at = 0;
      for (; at + 64 <= all.length; at += 64) block(all, at);
      rest = all.slice(at);
    };
    const end = () => {
      const bits = length * 8;
      const last = new Uint8Array((rest.length < 56 ? 64 : 128) - rest.length);
      last[0] = 0x80;
      const view = new DataView(last.buffer);
      view.setUint32(last.length - 8, Math.floor(bits / 4294967296));
      view.setUint32(last.length - 4, bits >>> 0);
      add(last);
      return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    };
    return { add, end };
  }

  window.sha256 = async (file) => {
    if (window.crypto && crypto.subtle) {
      const found = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      return [...found].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    const made = digest();
    for (let at = 0; at < file.size; at += CHUNK) made.add(new Uint8Array(await file.slice(at, at + CHUNK).arrayBuffer()));
    return made.end();
  };
})();
