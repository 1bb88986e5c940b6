/**
 * The ciphers that key files of before 2020 are written with: 3DES (FIPS 46-3)
 * and RC2 (RFC 2268), to be read only. WebCrypto has neither. The page loads
 * this when it meets such a file. It is written for the eye: a key file has a
 * few thousand bytes.
 */
import { type Bytes, concat } from './der';
import { KeyFileError } from './error';

export type LegacyCipher = { name: '3DES' } | { name: 'RC2'; bits: number };

type Block = (block: Uint8Array) => Uint8Array;

/** Undoes CBC and its padding. Throws a KeyFileError damaged_file for padding that is none. */
export function decryptLegacy(cipher: LegacyCipher, key: Uint8Array, iv: Uint8Array, sealed: Uint8Array): Bytes {
  if (iv.length !== 8 || sealed.length === 0 || sealed.length % 8 !== 0) throw new KeyFileError('damaged_file');
  const undo = cipher.name === '3DES' ? tripleDes(key) : rc2(key, cipher.bits);
  const plain = new Uint8Array(sealed.length);
  let before = iv;
  for (let at = 0; at < sealed.length; at += 8) {
    const block = sealed.subarray(at, at + 8);
    plain.set(
      undo(block).map((byte, i) => byte ^ (before[i] ?? 0)),
      at,
    );
    before = block;
  }
  const padding = plain[plain.length - 1] ?? 0;
  const tail = plain.subarray(plain.length - padding);
  if (padding < 1 || padding > 8 || tail.some((byte) => byte !== padding)) throw new KeyFileError('damaged_file', 'padding');
  return plain.slice(0, plain.length - padding);
}

// --- 3DES -------------------------------------------------------------------

const words = (text: string): number[] => text.trim().split(/\s+/).map(Number);

// FIPS 46-3: bits are counted from 1, the most significant first.
const initial = words(`58 50 42 34 26 18 10 2 60 52 44 36 28 20 12 4 62 54 46 38 30 22 14 6 64 56 48 40 32 24 16 8
  57 49 41 33 25 17 9 1 59 51 43 35 27 19 11 3 61 53 45 37 29 21 13 5 63 55 47 39 31 23 15 7`);
const final = initial.map((_, i) => initial.indexOf(i + 1) + 1);
const expansion = Array.from({ length: 48 }, (_, i) => ((4 * Math.floor(i / 6) + (i % 6) + 31) % 32) + 1);
const permutation = words(`16 7 20 21 29 12 28 17 1 15 23 26 5 18 31 10 2 8 24 14 32 27 3 9 19 13 30 6 22 11 4 25`);
const choice1 = words(`57 49 41 33 25 17 9 1 58 50 42 34 26 18 10 2 59 51 43 35 27 19 11 3 60 52 44 36
  63 55 47 39 31 23 15 7 62 54 46 38 30 22 14 6 61 53 45 37 29 21 13 5 28 20 12 4`);
const choice2 = words(`14 17 11 24 1 5 3 28 15 6 21 10 23 19 12 4 26 8 16 7 27 20 13 2
  41 52 31 37 47 55 30 40 51 45 33 48 44 49 39 56 34 53 46 42 50 36 29 32`);
const shifts = words('1 1 2 2 2 2 2 2 1 2 2 2 2 2 2 1');
const boxes = [
  `14 4 13 1 2 15 11 8 3 10 6 12 5 9 0 7 0 15 7 4 14 2 13 1 10 6 12 11 9 5 3 8
   4 1 14 8 13 6 2 11 15 12 9 7 3 10 5 0 15 12 8 2 4 9 1 7 5 11 3 14 10 0 6 13`,
  `15 1 8 14 6 11 3 4 9 7 2 13 12 0 5 10 3 13 4 7 15 2 8 14 12 0 1 10 6 9 11 5
   0 14 7 11 10 4 13 1 5 8 12 6 9 3 2 15 13 8 10 1 3 15 4 2 11 6 7 12 0 5 14 9`,
  `10 0 9 14 6 3 15 5 1 13 12 7 11 4 2 8 13 7 0 9 3 4 6 10 2 8 5 14 12 11 15 1
   13 6 4 9 8 15 3 0 11 1 2 12 5 10 14 7 1 10 13 0 6 9 8 7 4 15 14 3 11 5 2 12`,
  `7 13 14 3 0 6 9 10 1 2 8 5 11 12 4 15 13 8 11 5 6 15 0 3 4 7 2 12 1 10 14 9
   10 6 9 0 12 11 7 13 15 1 3 14 5 2 8 4 3 15 0 6 10 1 13 8 9 4 5 11 12 7 2 14`,
  `2 12 4 1 7 10 11 6 8 5 3 15 13 0 14 9 14 11 2 12 4 7 13 1 5 0 15 10 3 9 8 6
   4 2 1 11 10 13 7 8 15 9 12 5 6 3 0 14 11 8 12 7 1 14 2 13 6 15 0 9 10 4 5 3`,
  `12 1 10 15 9 2 6 8 0 13 3 4 14 7 5 11 10 15 4 2 7 12 9 5 6 1 13 14 0 11 3 8
   9 14 15 5 2 8 12 3 7 0 4 10 1 13 11 6 4 3 2 12 9 5 15 10 11 14 1 7 6 0 8 13`,
  `4 11 2 14 15 0 8 13 3 12 9 7 5 10 6 1 13 0 11 7 4 9 1 10 14 3 5 12 2 15 8 6
   1 4 11 13 12 3 7 14 10 15 6 8 0 5 9 2 6 11 13 8 1 4 10 7 9 5 0 15 14 2 3 12`,
  `13 2 8 4 6 15 11 1 10 9 3 14 5 0 12 7 1 15 13 8 10 3 7 4 12 5 6 11 0 14 9 2
   7 11 4 1 9 12 14 2 0 6 10 13 15 3 5 8 2 1 14 7 4 10 8 13 15 12 9 0 3 5 6 11`,
].map(words);

type Bits = number[];

const bitsOf = (bytes: Uint8Array): Bits =>
  Array.from({ length: bytes.length * 8 }, (_, i) => ((bytes[i >> 3] ?? 0) >> (7 - (i & 7))) & 1);
const bytesOf = (bits: Bits): Uint8Array =>
  Uint8Array.from({ length: bits.length / 8 }, (_, i) => bits.slice(8 * i, 8 * i + 8).reduce((n, bit) => 2 * n + bit, 0));
const pick = (table: number[], bits: Bits): Bits => table.map((n) => bits[n - 1] ?? 0);
const xor = (a: Bits, b: Bits): Bits => a.map((bit, i) => bit ^ (b[i] ?? 0));

function roundKeys(key: Uint8Array): Bits[] {
  let halves = pick(choice1, bitsOf(key));
  return shifts.map((shift) => {
    const [left, right] = [halves.slice(0, 28), halves.slice(28)];
    halves = [...left.slice(shift), ...left.slice(0, shift), ...right.slice(shift), ...right.slice(0, shift)];
    return pick(choice2, halves);
  });
}

function substitute(bits: Bits): Bits {
  return boxes.flatMap((box, i) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bits.slice(6 * i, 6 * i + 6);
    const value = box[16 * (2 * a + f) + 8 * b + 4 * c + 2 * d + e] ?? 0;
    return [(value >> 3) & 1, (value >> 2) & 1, (value >> 1) & 1, value & 1];
  });
}

/** DES with round keys in this order: theirs encrypts, the reverse decrypts. */
function des(keys: Bits[], block: Bits): Bits {
  const start = pick(initial, block);
  let [left, right] = [start.slice(0, 32), start.slice(32)];
  for (const key of keys) {
    const mixed = pick(permutation, substitute(xor(pick(expansion, right), key)));
    [left, right] = [right, xor(left, mixed)];
  }
  return pick(final, [...right, ...left]);
}

/** A key of 24 bytes, or 16 of which the first eight are used twice. */
function tripleDes(key: Uint8Array): Block {
  const whole = key.length === 16 ? concat(key, key.subarray(0, 8)) : key;
  if (whole.length !== 24) throw new KeyFileError('damaged_file', 'key length');
  const [first = [], second = [], third = []] = [0, 8, 16].map((at) => roundKeys(whole.subarray(at, at + 8)));
  const [last, middle, outer] = [first.toReversed(), second, third.toReversed()];
  return (block) => bytesOf(des(last, des(middle, des(outer, bitsOf(block)))));
}

// --- RC2 --------------------------------------------------------------------

// RFC 2268 section 2: a permutation of the bytes, from the digits of pi.
const pi = Uint8Array.from(
  `d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f13
   61456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc
   1275ca1f3bbee4d1423dd430a33cb6266fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee7
   06c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec
   c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b255597312d5dfa98e38a92ae
   05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e
   c5f3db47e5a59c770aa62068fe7fc1ad`
    .replace(/\s/g, '')
    .match(/../g) ?? [],
  (pair) => parseInt(pair, 16),
);

/** A key whose effective length is so many bits. */
function rc2(key: Uint8Array, bits: number): Block {
  const long = new Uint8Array(128);
  long.set(key);
  const at = (i: number): number => long[i] ?? 0;
  for (let i = key.length; i < 128; i++) long[i] = pi[(at(i - 1) + at(i - key.length)) & 255] ?? 0;
  const size = Math.ceil(bits / 8);
  long[128 - size] = pi[at(128 - size) & (255 >> (8 * size - bits))] ?? 0;
  for (let i = 127 - size; i >= 0; i--) long[i] = pi[at(i + 1) ^ at(i + size)] ?? 0;
  const keys = Array.from({ length: 64 }, (_, i) => at(2 * i) | (at(2 * i + 1) << 8));
  return (block) => undoRc2(keys, block);
}

function undoRc2(keys: number[], block: Uint8Array): Uint8Array {
  const r = Array.from({ length: 4 }, (_, i) => (block[2 * i] ?? 0) | ((block[2 * i + 1] ?? 0) << 8));
  const word = (i: number): number => r[(i + 4) & 3] ?? 0;
  const turns = [1, 2, 3, 5];
  let next = 63;
  const unmix = () => {
    for (let i = 3; i >= 0; i--) {
      const turn = turns[i] ?? 0;
      const turned = ((word(i) >> turn) | (word(i) << (16 - turn))) & 0xffff;
      r[i] = (turned - (keys[next] ?? 0) - (word(i - 1) & word(i - 2)) - (~word(i - 1) & word(i - 3))) & 0xffff;
      next--;
    }
  };
  const unmash = () => {
    for (let i = 3; i >= 0; i--) r[i] = (word(i) - (keys[word(i - 1) & 63] ?? 0)) & 0xffff;
  };
  for (let round = 0; round < 16; round++) {
    unmix();
    if (round === 4 || round === 10) unmash();
  }
  return Uint8Array.from(r.flatMap((value) => [value & 255, value >> 8]));
}
