import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignatureAlgorithm } from '@/keyfile/certificate';
import { ecdsaDer } from '@/keyfile/csr';
import type { Bytes } from '@/keyfile/der';

/** A folder with OpenSSL beside it; files are named relative to the folder. */
export class OpenSsl {
  private readonly folder = mkdtempSync(join(tmpdir(), 'adgang-keyfile-'));

  /** The answer is read as Latin-1, in which OpenSSL 3.0 writes names of bags. */
  run(...args: string[]): string {
    return execFileSync('openssl', args, { cwd: this.folder, encoding: 'latin1', stdio: 'pipe' });
  }

  /** Runs another program in the folder; throws what it says. */
  other(program: string, ...args: string[]): string {
    const ran = spawnSync(program, args, { cwd: this.folder, encoding: 'utf8' });
    if (ran.error) throw ran.error;
    if (ran.status !== 0) throw new Error(`${program}: ${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Bytes {
    return new Uint8Array(readFileSync(join(this.folder, name)));
  }

  write(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.folder, name), bytes);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Makes ca.pem, ca.key, NAME.pem, NAME.key. */
  certificate(name: string, ...newkey: string[]): void {
    const ca = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-subj', '/CN=Test CA'];
    this.run('req', '-x509', ...ca, '-out', 'ca.pem', '-days', '2');
    const leaf = [...newkey, '-nodes', '-keyout', `${name}.key`, '-subj', `/CN=${name}`];
    this.run('req', '-new', ...leaf, '-out', `${name}.csr`);
    this.sign(name);
  }

  /** Issues NAME.pem for NAME.csr. */
  sign(name: string, ...form: string[]): void {
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    this.run('x509', '-req', '-in', `${name}.csr`, ...form, ...by, '-out', `${name}.pem`);
  }

  /** Packs NAME.key, NAME.pem and ca.pem into NAME.p12. */
  pack(name: string, password: string, ...options: string[]): Bytes {
    const what = ['-inkey', `${name}.key`, '-in', `${name}.pem`, '-certfile', 'ca.pem'];
    this.run('pkcs12', '-export', ...what, '-passout', `pass:${password}`, ...options, '-out', 'out.p12');
    return this.read('out.p12');
  }

  /** What `openssl pkcs12 -info` writes to stderr about ciphers and rounds. */
  info(file: string, password: string): string {
    const args = ['pkcs12', '-legacy', '-in', file, '-passin', `pass:${password}`, '-info', '-noout'];
    return spawnSync('openssl', args, { cwd: this.folder, encoding: 'utf8' }).stderr;
  }

  /** Verifies a signature by NAME.pem; throws when it is not good. */
  verify(name: string, text: string, signature: Uint8Array, algorithm: SignatureAlgorithm): string {
    this.write('text', new TextEncoder().encode(text));
    this.write('signature', algorithm === 'ES256' ? ecdsaDer(signature) : signature);
    this.write('public.pem', new TextEncoder().encode(this.run('x509', '-in', `${name}.pem`, '-pubkey', '-noout')));
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
    const how = algorithm === 'PS256' ? pss : [];
    return this.run('dgst', '-sha256', ...how, '-verify', 'public.pem', '-signature', 'signature', 'text');
  }

  der(name: string): Bytes {
    this.run('x509', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`);
    return this.read(`${name}.der`);
  }
}

export const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
export const rsaKey = ['-newkey', 'rsa:3072'];
