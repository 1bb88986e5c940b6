// @vitest-environment node
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBase64 } from '@/keyfile/base64';
import { read, sequence } from '@/keyfile/der';
import { KeyFileError } from '@/keyfile/error';
import { readCertificates, readKeyFile } from '@/keyfile/read';
import { createVault } from '@/keyfile/vault';
import { ecKey, OpenSsl } from './openssl';

const password = 'Rødgrød med fløde';
const openssl = new OpenSsl();
afterAll(() => openssl.remove());

beforeAll(() => {
  openssl.certificate('p384', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384');
  openssl.run('req', '-new', ...ecKey, '-nodes', '-keyout', 'ec.key', '-subj', '/CN=ec', '-out', 'ec.csr');
  openssl.sign('ec');
});

const code = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'opened';
  } catch (error) {
    return error instanceof KeyFileError ? error.code : `not a KeyFileError: ${String(error)}`;
  }
};

const ders = (...names: string[]): string[] => names.map((name) => toBase64(openssl.der(name)));

describe('certificates of a file', () => {
  test.each([
    ['in today’s cipher', []],
    ['in 3DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['in 3DES with two keys', ['-certpbe', 'PBE-SHA1-2DES']],
    ['in RC2 with 40 bits', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40']],
    ['in RC2 with 128 bits', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128']],
    ['in the old default of OpenSSL', ['-legacy']],
    ['in the open', ['-certpbe', 'NONE']],
  ])('%s are read, its key is not', async (_, options) => {
    for (const name of ['ec', 'p384']) {
      const file = openssl.pack(name, password, ...options);
      expect((await readCertificates(file, password)).map(toBase64)).toEqual(ders(name, 'ca'));
      expect(await code(readCertificates(file, 'something else'))).toBe('wrong_password');
    }
  });

  test('without a MAC tell a wrong password by the padding', async () => {
    const [version, content] = read(openssl.pack('ec', password, '-certpbe', 'PBE-SHA1-3DES')).children.map((one) => one.whole);
    const file = sequence(version ?? new Uint8Array(), content ?? new Uint8Array());
    expect((await readCertificates(file, password)).map(toBase64)).toEqual(ders('ec', 'ca'));
    expect(await code(readCertificates(file, 'something else'))).toBe('wrong_password');
  });

  test('without a key are read', async () => {
    openssl.run('pkcs12', '-export', '-nokeys', '-in', 'ec.pem', '-passout', `pass:${password}`, '-out', 'bare.p12');
    expect((await readCertificates(openssl.read('bare.p12'), password)).map(toBase64)).toEqual(ders('ec'));
    expect(await code(readKeyFile(openssl.read('bare.p12'), password))).toBe('no_key');
  });

  test('leave the worker as base64', async () => {
    const file = openssl.pack('p384', password);
    expect(await createVault().certificates(file, password)).toEqual(ders('p384', 'ca'));
  });

  test('of a damaged file end in a code', async () => {
    const file = openssl.pack('ec', password, '-legacy');
    for (let at = 0; at < file.length; at += 37) {
      const bad = file.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x55;
      expect(await code(readCertificates(bad, password))).not.toContain('not a KeyFileError');
    }
    expect(await code(readCertificates(new TextEncoder().encode('text') as never, ''))).toBe('not_a_key_file');
  });
});
