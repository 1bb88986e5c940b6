// @vitest-environment node
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBase64 } from '@/keyfile/base64';
import { encode, integer, octets, oid, sequence } from '@/keyfile/der';
import { KeyFileError } from '@/keyfile/error';
import { Oid } from '@/keyfile/oid';
import { readKeyFile, signText } from '@/keyfile/read';
import { ecKey, OpenSsl, rsaKey } from './openssl';

const password = 'Tre små kinesere';
const openssl = new OpenSsl();
afterAll(() => openssl.remove());

beforeAll(() => {
  openssl.certificate('ec', ...ecKey);
  const plain = openssl.der('ec');
  openssl.certificate('rsa', ...rsaKey);
  // The authority was made anew: let both leaves have the same one.
  openssl.sign('ec');
  expect(plain).not.toEqual(openssl.der('ec'));
}, 120_000);

const code = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'opened';
  } catch (error) {
    return error instanceof KeyFileError ? error.code : `not a KeyFileError: ${String(error)}`;
  }
};

describe('files that OpenSSL makes', () => {
  test.each([
    ['by default', []],
    ['with SHA-512 and many rounds', ['-iter', '30000', '-macalg', 'sha512']],
    ['with AES-128 and a SHA-1 MAC', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha1']],
    ['with open certificates', ['-certpbe', 'NONE']],
    ['without a MAC', ['-nomac']],
    ['with one round', ['-noiter', '-nomaciter']],
    ['as of old (RC2-40, 3DES)', ['-legacy']],
    ['with 3DES throughout', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['with two keys of DES and RC2-128', ['-legacy', '-keypbe', 'PBE-SHA1-2DES', '-certpbe', 'PBE-SHA1-RC2-128']],
    ['with PBES2 and 3DES', ['-keypbe', 'des-ede3-cbc', '-certpbe', 'des-ede3-cbc']],
    ['as of old, without a MAC', ['-legacy', '-nomac']],
  ])('open %s', async (_, options) => {
    for (const name of ['ec', 'rsa']) {
      const file = openssl.pack(name, password, ...options);
      const opened = await readKeyFile(file, password);
      expect(opened.chain.map(toBase64)).toEqual([name, 'ca'].map((n) => toBase64(openssl.der(n))));
      expect(opened.key.extractable).toBe(false);
      const signature = await signText(opened, 'text');
      expect(openssl.verify(name, 'text', signature, opened.algorithm)).toContain('Verified OK');
      expect(await code(readKeyFile(file, 'something else'))).toBe('wrong_password');
    }
  });

  test('with a bare key inside', async () => {
    const file = openssl.pack('ec', password, '-keypbe', 'NONE');
    expect((await readKeyFile(file, password)).algorithm).toBe('ES256');
  });

  test('with ciphers that nobody has are refused by name', async () => {
    for (const cipher of ['PBE-SHA1-RC4-128', 'camellia-256-cbc']) {
      const file = openssl.pack('ec', password, '-legacy', '-keypbe', cipher, '-certpbe', 'NONE');
      expect(await code(readKeyFile(file, password))).toBe('unsupported_cipher');
    }
  });

  test('with a key of another curve are refused', async () => {
    openssl.run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes',
      '-keyout', 'p384.key', '-out', 'p384.pem', '-subj', '/CN=p384');
    expect(await code(readKeyFile(openssl.pack('p384', password), password))).toBe('unsupported_key');
  });

  test('without a key or without certificates say so', async () => {
    expect(await code(readKeyFile(openssl.pack('ec', password, '-nokeys'), password))).toBe('no_key');
    openssl.run('pkcs12', '-export', '-inkey', 'ec.key', '-nocerts', '-passout', `pass:${password}`, '-out', 'k.p12');
    expect(await code(readKeyFile(openssl.read('k.p12'), password))).toBe('no_certificate');
  });
});

describe('other files', () => {
  test('that are no key file are told apart from damaged ones', async () => {
    const text = new TextEncoder().encode('-----BEGIN CERTIFICATE-----\n');
    expect(await code(readKeyFile(text, password))).toBe('not_a_key_file');
    expect(await code(readKeyFile(new Uint8Array(0), password))).toBe('not_a_key_file');
    expect(await code(readKeyFile(openssl.der('ec'), password))).toBe('not_a_key_file');
    const whole = openssl.pack('ec', password);
    expect(await code(readKeyFile(whole.slice(0, whole.length / 2), password))).toBe('damaged_file');
    expect(await code(readKeyFile(Uint8Array.of(...whole, 0), password))).toBe('damaged_file');
  });

  test('that ask for too much work are refused at once', async () => {
    const salt = octets(new Uint8Array(8));
    const digest = sequence(sequence(oid(Oid.sha256)), octets(new Uint8Array(32)));
    const mac = sequence(digest, salt, integer(2_000_001));
    const content = sequence(oid(Oid.data), encode(0xa0, octets(sequence())));
    expect(await code(readKeyFile(sequence(integer(3), content, mac), password))).toBe('file_limits');
  });

  test('that nest without end are damaged', async () => {
    let nested = sequence();
    for (let i = 0; i < 1000; i++) nested = sequence(nested);
    expect(await code(readKeyFile(nested, password))).toBe('damaged_file');
  });
});

// A seeded generator (mulberry32), so that a failing mutation can be repeated.
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test('a mutated file always ends in a KeyFileError or opens', async () => {
  const next = random(20230630);
  const codes = new Set<string>();
  for (const options of [['-nomac', '-noiter'], ['-noiter', '-nomaciter'], ['-legacy', '-nomac', '-noiter']]) {
    const whole = openssl.pack('ec', password, ...options);
    for (let i = 0; i < 1500; i++) {
      const mutated = whole.slice(0, next() < 0.1 ? Math.floor(next() * whole.length) : whole.length);
      // Rounds are kept, or each of the runs would take its two seconds.
      for (let n = Math.floor(next() * 4) + 1; n > 0; n--) {
        const at = Math.floor(next() * Math.min(mutated.length, next() < 0.5 ? 80 : mutated.length));
        if (mutated.length > 0) mutated[at] = Math.floor(next() * 256);
      }
      codes.add(await code(readKeyFile(mutated, password)));
    }
  }
  expect([...codes].filter((one) => one.startsWith('not a KeyFileError'))).toEqual([]);
  expect(codes).toContain('damaged_file');
  expect(codes).toContain('wrong_password');
});
