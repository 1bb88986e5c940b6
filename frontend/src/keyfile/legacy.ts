import { sha1 } from '@noble/hashes/legacy.js';
import type { Bytes } from './der';
import { bmpPassword, repeated } from './kdf';

/**
 * The ciphers of PKCS#12 before 2010, to open what programs of then wrote. They
 * keep nothing secret today and never write: only certificates, which are public,
 * are read with them.
 */

/** Key and IV by RFC 7292 appendix B.2 with SHA-1; purpose 1 = key, 2 = IV. */
function derive(purpose: 1 | 2, password: string, salt: Uint8Array, rounds: number, length: number): Bytes {
  const block = 64;
  const input = new Uint8Array([...repeated(salt, block), ...repeated(bmpPassword(password), block)]);
  const out = new Uint8Array(Math.ceil(length / 20) * 20);
  for (let at = 0; at < length; at += 20) {
    let value = sha1(new Uint8Array([...new Uint8Array(block).fill(purpose), ...input]));
    for (let i = 1; i < rounds; i++) value = sha1(value);
    out.set(value, at);
    // Every block of the input grows by the value and one.
    for (let start = 0; start < input.length; start += block) {
      let carry = 1;
      for (let i = block - 1; i >= 0; i--) {
        carry += (input[start + i] ?? 0) + (value[i % 20] ?? 0);
        input[start + i] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return out.slice(0, length);
}

type Block = (block: Uint8Array) => Uint8Array;

const ciphers: Record<string, { bytes: number; cipher: (key: Uint8Array) => Block }> = {
  '1.2.840.113549.1.12.1.3': { bytes: 24, cipher: tripleDes },
  '1.2.840.113549.1.12.1.4': { bytes: 16, cipher: tripleDes },
  '1.2.840.113549.1.12.1.5': { bytes: 16, cipher: rc2 },
  '1.2.840.113549.1.12.1.6': { bytes: 5, cipher: rc2 },
};

export const isLegacy = (type: string): boolean => type in ciphers;

/** Opens CBC with the padding of PKCS#7; undefined when the padding is wrong, as
 * it is after a wrong password. */
export function openLegacy(type: string, password: string, salt: Uint8Array, rounds: number, sealed: Uint8Array): Bytes | undefined {
  const known = ciphers[type];
  if (known === undefined || sealed.length === 0 || sealed.length % 8 !== 0) return undefined;
  const open = known.cipher(derive(1, password, salt, rounds, known.bytes));
  let before: Uint8Array = derive(2, password, salt, rounds, 8);
  const plain = new Uint8Array(sealed.length);
  for (let at = 0; at < sealed.length; at += 8) {
    const block = sealed.subarray(at, at + 8);
    open(block).forEach((byte, i) => (plain[at + i] = byte ^ (before[i] ?? 0)));
    before = block;
  }
  const padding = plain.at(-1) ?? 0;
  const fits = padding >= 1 && padding <= 8 && plain.subarray(-padding).every((byte) => byte === padding);
  return fits ? plain.slice(0, plain.length - padding) : undefined;
}

// --- Triple DES (FIPS 46-3), bit by bit: files are a few kilobytes ------------------

const list = (text: string): number[] => text.trim().split(/\s+/).map(Number);

const initial = list(`58 50 42 34 26 18 10 2 60 52 44 36 28 20 12 4 62 54 46 38 30 22 14 6 64 56 48 40 32 24 16 8
  57 49 41 33 25 17 9 1 59 51 43 35 27 19 11 3 61 53 45 37 29 21 13 5 63 55 47 39 31 23 15 7`);
const final = initial.map((_, i) => initial.indexOf(i + 1) + 1);
const expansion = list(`32 1 2 3 4 5 4 5 6 7 8 9 8 9 10 11 12 13 12 13 14 15 16 17
  16 17 18 19 20 21 20 21 22 23 24 25 24 25 26 27 28 29 28 29 30 31 32 1`);
const permutation = list('16 7 20 21 29 12 28 17 1 15 23 26 5 18 31 10 2 8 24 14 32 27 3 9 19 13 30 6 22 11 4 25');
const choice1 = list(`57 49 41 33 25 17 9 1 58 50 42 34 26 18 10 2 59 51 43 35 27 19 11 3 60 52 44 36
  63 55 47 39 31 23 15 7 62 54 46 38 30 22 14 6 61 53 45 37 29 21 13 5 28 20 12 4`);
const choice2 = list(`14 17 11 24 1 5 3 28 15 6 21 10 23 19 12 4 26 8 16 7 27 20 13 2
  41 52 31 37 47 55 30 40 51 45 33 48 44 49 39 56 34 53 46 42 50 36 29 32`);
const rotations = list('1 1 2 2 2 2 2 2 1 2 2 2 2 2 2 1');
// Four rows of 16 values a box, one hexadecimal digit each.
const boxes = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
];

const pick = (bits: number[], table: number[]): number[] => table.map((n) => bits[n - 1] ?? 0);
const bitsOf = (bytes: Uint8Array): number[] => [...bytes].flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((n) => (byte >> n) & 1));
const numberOf = (bits: number[]): number => bits.reduce((sum, bit) => sum * 2 + bit, 0);

function bytesOf(bits: number[]): Uint8Array {
  return Uint8Array.from({ length: bits.length / 8 }, (_, i) => numberOf(bits.slice(i * 8, i * 8 + 8)));
}

function roundKeys(key: Uint8Array): number[][] {
  const chosen = pick(bitsOf(key), choice1);
  let [c, d] = [chosen.slice(0, 28), chosen.slice(28)];
  return rotations.map((by) => {
    [c, d] = [[...c.slice(by), ...c.slice(0, by)], [...d.slice(by), ...d.slice(0, by)]];
    return pick([...c, ...d], choice2);
  });
}

function mix(half: number[], key: number[]): number[] {
  const wide = pick(half, expansion).map((bit, i) => bit ^ (key[i] ?? 0));
  const out = boxes.flatMap((box, i) => {
    const six = wide.slice(i * 6, i * 6 + 6);
    const row = numberOf([six[0] ?? 0, six[5] ?? 0]);
    const value = parseInt(box[row * 16 + numberOf(six.slice(1, 5))] ?? '0', 16);
    return [3, 2, 1, 0].map((n) => (value >> n) & 1);
  });
  return pick(out, permutation);
}

function des(bits: number[], keys: number[][]): number[] {
  const start = pick(bits, initial);
  let [left, right] = [start.slice(0, 32), start.slice(32)];
  for (const key of keys) {
    const mixed = mix(right, key);
    [left, right] = [right, left.map((bit, i) => bit ^ (mixed[i] ?? 0))];
  }
  return pick([...right, ...left], final);
}

/** Opens one block; a key of 16 bytes uses its first part twice. */
function tripleDes(key: Uint8Array): Block {
  const parts = [0, 8, key.length === 24 ? 16 : 0].map((at) => roundKeys(key.subarray(at, at + 8)));
  const [first = [], second = [], third = []] = parts;
  const steps = [third.toReversed(), second, first.toReversed()];
  return (block) => bytesOf(steps.reduce((bits, keys) => des(bits, keys), bitsOf(block)));
}

// --- RC2 (RFC 2268) ------------------------------------------------------------------

const piTable = [
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2',
  '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82',
  '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626',
  '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7',
  '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec',
  'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731',
  '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9',
  '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
].join('');
const pi = (at: number): number => parseInt(piTable.slice((at & 0xff) * 2, (at & 0xff) * 2 + 2), 16);

/** Opens one block; as many bits of the key count as it has. */
function rc2(key: Uint8Array): Block {
  const l = new Uint8Array(128);
  l.set(key);
  for (let i = key.length; i < 128; i++) l[i] = pi((l[i - 1] ?? 0) + (l[i - key.length] ?? 0));
  l[128 - key.length] = pi(l[128 - key.length] ?? 0);
  for (let i = 127 - key.length; i >= 0; i--) l[i] = pi((l[i + 1] ?? 0) ^ (l[i + key.length] ?? 0));
  const k = Array.from({ length: 64 }, (_, i) => (l[2 * i] ?? 0) + 256 * (l[2 * i + 1] ?? 0));
  const turns = [1, 2, 3, 5];
  return (block) => {
    const r = [0, 1, 2, 3].map((i) => (block[2 * i] ?? 0) + 256 * (block[2 * i + 1] ?? 0));
    const at = (i: number): number => r[(i + 4) & 3] ?? 0;
    let j = 63;
    const unmix = () => {
      for (let i = 3; i >= 0; i--) {
        const by = turns[i] ?? 0;
        const turned = ((at(i) >> by) | (at(i) << (16 - by))) & 0xffff;
        r[i] = (turned - (k[j--] ?? 0) - (at(i - 1) & at(i - 2)) - (~at(i - 1) & at(i - 3))) & 0xffff;
      }
    };
    const unmash = () => {
      for (let i = 3; i >= 0; i--) r[i] = (at(i) - (k[at(i - 1) & 63] ?? 0)) & 0xffff;
    };
    for (const rounds of [5, 6, 5]) {
      for (let n = 0; n < rounds; n++) unmix();
      if (j >= 0) unmash();
    }
    return Uint8Array.from({ length: 8 }, (_, i) => (at(i >> 1) >> (i % 2 === 0 ? 0 : 8)) & 0xff);
  };
}
