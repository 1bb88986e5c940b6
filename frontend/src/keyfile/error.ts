/** What can go wrong with a key file; the page has a text for each code. */
export type KeyFileCode =
  | 'wrong_password'
  | 'damaged_file'
  | 'not_a_key_file'
  | 'unsupported_cipher'
  | 'unsupported_key'
  | 'no_key'
  | 'no_certificate'
  | 'file_limits'
  | 'no_generated_key'
  | 'not_open'
  | 'worker_failed'
  | 'not_archive'
  | 'wrong_passphrase';

export class KeyFileError extends Error {
  constructor(
    readonly code: KeyFileCode,
    detail = '',
  ) {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.name = 'KeyFileError';
  }
}
