import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type ProfileDetails, publish, withdraw } from '@/api/certificates';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';

/** Whether strangers who know the address find the certificate. */
export function DirectoryPanel({ profile, manages }: { profile: ProfileDetails; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: () => (profile.listed ? withdraw(profile.id) : publish(profile.id)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['certificates'] }),
  });
  return (
    <section className="panel" aria-labelledby="directory">
      <h2 id="directory">{t('certificates.directory.heading')}</h2>
      <p role="status">{t(profile.listed ? 'certificates.directory.shown' : 'certificates.directory.hidden')}</p>
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
      {manages && (
        <Button pending={act.isPending} onClick={() => act.mutate()}>
          {t(profile.listed ? 'certificates.directory.withdraw' : 'certificates.directory.publish')}
        </Button>
      )}
      <p>
        <Link to="/directory">{t('certificates.directory.open')}</Link>
      </p>
    </section>
  );
}
