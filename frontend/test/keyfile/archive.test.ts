import { describe, expect, test } from 'vitest';
import { openArchive, sealArchive } from '@/keyfile/archive';

const content = new TextEncoder().encode('a private key, in the clear');
const sealed = await sealArchive({ name: 'Bo Ægir 2019.p12', content }, 'rødgrød med fløde');
const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

describe('the encrypted archive', () => {
  test('opens with its passphrase, however it was composed', async () => {
    const opened = await openArchive(sealed, 'rødgrød med fløde'.normalize('NFD'));
    expect(opened.name).toBe('Bo Ægir 2019.p12');
    expect(text(opened.content)).toBe('a private key, in the clear');
  });

  test('shows neither name nor content, and never looks the same twice', async () => {
    expect(text(sealed)).toMatch(/^ADGANG-ARCHIVE\x01/);
    expect(text(sealed)).not.toContain('private key');
    expect(text(sealed)).not.toContain('2019');
    const again = await sealArchive({ name: 'Bo Ægir 2019.p12', content }, 'rødgrød med fløde');
    expect(text(again)).not.toBe(text(sealed));
  });

  test('stays shut for another passphrase and when one bit has changed', async () => {
    await expect(openArchive(sealed, 'rodgrod med flode')).rejects.toMatchObject({ code: 'wrong_passphrase' });
    for (const at of [16, 32, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(openArchive(changed, 'rødgrød med fløde')).rejects.toMatchObject({ code: 'wrong_passphrase' });
    }
    await expect(openArchive(content, 'rødgrød med fløde')).rejects.toMatchObject({ code: 'not_archive' });
  });
});
