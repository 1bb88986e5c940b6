import { useTranslation } from 'react-i18next';
import { type Batch, lettersUrl } from '@/api/batches';
import { number } from '@/format';
import { Icon } from '@/ui/icon';

const perPage = 200;

/** The installation codes as letters to print and hand out, 200 a file. */
export function LettersPanel({ id, batch }: { id: string; batch: Batch }) {
  const { t } = useTranslation();
  const letters = batch.counts.invited;
  const pages = Array.from({ length: Math.ceil(letters / perPage) }, (_, index) => index + 1);
  return (
    <section className="panel" aria-labelledby="letters">
      <h2 id="letters">{t('migration.letters.heading')}</h2>
      <p>{t('migration.letters.text')}</p>
      {pages.length === 0 ? (
        <p className="quiet">{t('migration.letters.none')}</p>
      ) : (
        <ul className="nobullet-list">
          {pages.map((page) => (
            <li key={page}>
              <a href={lettersUrl(id, page)} target="_blank" rel="noreferrer">
                <Icon name="file-pdf" />{' '}
                {t('migration.letters.page', {
                  from: number((page - 1) * perPage + 1),
                  to: number(Math.min(page * perPage, letters)),
                })}
              </a>
            </li>
          ))}
        </ul>
      )}
      <p className="quiet small">{t('migration.letters.audited')}</p>
    </section>
  );
}
