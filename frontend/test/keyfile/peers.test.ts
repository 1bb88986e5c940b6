// @vitest-environment node
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromBase64, toBase64 } from '@/keyfile/base64';
import type { KeyAlgorithm } from '@/keyfile/csr';
import { readKeyFile, signText } from '@/keyfile/read';
import { createVault } from '@/keyfile/vault';
import { OpenSsl, rsaKey } from './openssl';

// Java takes passwords of ASCII only.
const password = 'Blaabaer-groed-2026';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The other programs that people open and write key files with, in one folder. */
class Peers extends OpenSsl {
  /** A certificate store of NSS, which Firefox and Thunderbird have. */
  nss(): string {
    mkdirSync(this.path('nss'), { recursive: true });
    this.other('certutil', '-N', '-d', 'sql:nss', '--empty-password');
    return 'sql:nss';
  }

  go(): string {
    const source = './frontend/test/keyfile/testdata/p12';
    execFileSync('go', ['build', '-o', this.path('p12'), source], { cwd: repository, stdio: 'pipe' });
    return this.path('p12');
  }

  /** What java's keytool says in English. */
  keytool(...args: string[]): string {
    return this.other('keytool', '-J-Duser.language=en', ...args);
  }
}

describe.each(['P-256', 'RSA-3072'] satisfies KeyAlgorithm[])('%s key files', (algorithm) => {
  const peers = new Peers();
  afterAll(() => peers.remove());
  let go = '';
  let nss = '';

  beforeAll(async () => {
    const vault = createVault();
    peers.certificate('other', ...rsaKey); // which makes the authority
    peers.write('mine.csr', fromBase64(await vault.generate(algorithm)));
    // Java takes no certificate without a subject.
    peers.sign('mine', '-inform', 'DER', '-subj', '/CN=mine');
    const file = await vault.finish({
      certificate: toBase64(peers.der('mine')),
      chain: [toBase64(peers.der('ca'))],
      password,
      friendlyName: 'mine',
    });
    peers.write('mine.p12', file);
    // The same in the clear, for those that write anew.
    peers.run('pkcs12', '-in', 'mine.p12', '-passin', `pass:${password}`, '-nodes', '-nocerts', '-out', 'bag.key');
    peers.run('pkcs8', '-topk8', '-nocrypt', '-in', 'bag.key', '-out', 'mine.key');
    go = peers.go();
    nss = peers.nss();
    peers.other('pk12util', '-i', 'mine.p12', '-d', nss, '-W', password, '-K', '');
  }, 240_000);

  const publicKey = () => peers.run('x509', '-in', 'mine.pem', '-pubkey', '-noout');

  describe('made here open in', () => {
    test('go-pkcs12', () => {
      const opened = peers.other(go, 'open', 'mine.p12', password);
      expect(opened.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(opened).toContain(publicKey().trim());
    });

    test("Java's keytool, which also opens the key", () => {
      const listed = peers.keytool('-list', '-v', '-keystore', 'mine.p12', '-storetype', 'PKCS12', '-storepass', password);
      expect(listed).toContain('Entry type: PrivateKeyEntry');
      expect(listed).toContain('Certificate chain length: 2');
      convert('opened.p12');
    });

    test("NSS's pk12util, which has the key then", () => {
      expect(peers.other('certutil', '-K', '-d', nss)).toContain('mine');
      expect(peers.other('pk12util', '-l', 'mine.p12', '-d', nss, '-W', password)).toContain('CN=mine');
    });
  });

  /** Has Java open the file and write another. */
  const convert = (out: string, ...options: string[]) => {
    const from = ['-srckeystore', 'mine.p12', '-srcstoretype', 'PKCS12', '-srcstorepass', password];
    const to = ['-destkeystore', out, '-deststoretype', 'PKCS12', '-deststorepass', password];
    peers.keytool('-importkeystore', '-noprompt', ...options, ...from, ...to);
  };

  const tripleDes = 'PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC';
  const rc2 = 'PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC';
  const pk12util = (out: string, ...ciphers: string[]) =>
    peers.other('pk12util', '-o', out, '-n', 'mine', '-d', nss, '-K', '', '-W', password, ...ciphers);
  const goPkcs12 = (how: string, out: string) =>
    peers.other(go, 'make', how, 'mine.key', 'mine.pem', 'ca.pem', password, out);

  test.each<[string, (out: string) => void, RegExp]>([
    ['OpenSSL', (out) => peers.write(out, peers.pack('mine', password)), /PBES2.*AES-256-CBC/],
    ['OpenSSL as of old', (out) => peers.write(out, peers.pack('mine', password, '-legacy')), /pbeWithSHA1And40BitRC2-CBC/],
    ['go-pkcs12', (out) => goPkcs12('Modern2023', out), /PBES2.*AES-256-CBC/],
    ['go-pkcs12 as of old', (out) => goPkcs12('LegacyRC2', out), /pbeWithSHA1And40BitRC2-CBC/],
    ['go-pkcs12 with 3DES', (out) => goPkcs12('LegacyDES', out), /pbeWithSHA1And3-KeyTripleDES-CBC/],
    ['keytool', (out) => convert(out), /PBES2.*AES-256-CBC/],
    ['keytool as of old', (out) => convert(out, '-J-Dkeystore.pkcs12.legacy'), /pbeWithSHA1And40BitRC2-CBC/],
    ['pk12util', (out) => pk12util(out), /PBES2/],
    ['pk12util as of old', (out) => pk12util(out, '-c', tripleDes, '-C', rc2), /pbeWithSHA1And3-KeyTripleDES-CBC/],
  ])('made by %s open here and sign a login', async (name, make, cipher) => {
    // A name of its own: keytool adds to a file that is there.
    const file = `${name.replaceAll(/\W/g, '')}.p12`;
    make(file);
    // The cipher is what the name says, or this would prove nothing.
    expect(peers.info(file, password)).toMatch(cipher);
    const opened = await readKeyFile(peers.read(file), password);
    expect(opened.chain.map(toBase64)).toEqual([peers.der('mine'), peers.der('ca')].map(toBase64));
    expect(opened.key.extractable).toBe(false);
    const signature = await signText(opened, 'text');
    expect(peers.verify('mine', 'text', signature, opened.algorithm)).toContain('Verified OK');
  });
});
