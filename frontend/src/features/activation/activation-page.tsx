import { useMutation, useQuery } from '@tanstack/react-query';
import { useBlocker, useLocation } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, client, errorText, ProblemError, type Schema } from '@/api/client';
import { beginProof, depart } from '@/api/identity-providers';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton, Waiting } from '@/ui/feedback';
import { Steps } from '@/ui/steps';
import { Activator, type MadeKeyFile } from './activate';
import { CodeStep } from './code-step';
import { DoneStep } from './done-step';
import { DownloadStep } from './download-step';
import { PasswordStep } from './password-step';

const proving = 'adgang-proving';

/** The token of an invitation whose holder comes back from proving who he or she is. */
function takeToken(): string {
  const token = sessionStorage.getItem(proving) ?? '';
  sessionStorage.removeItem(proving);
  return token;
}

export function ActivationPage() {
  const { t } = useTranslation();
  const [made, setMade] = useState<MadeKeyFile>();
  // The token stands after # in the link, so that it reaches no server log.
  const hash = useLocation({ select: (location) => location.hash.trim() });
  const [kept] = useState(takeToken);
  const token = hash === '' ? kept : hash;
  return (
    <Page title={t('activation.title')} narrow>
      {made !== undefined && <Finish made={made} />}
      {made === undefined && token !== '' && <Invitation key={token} token={token} onMade={setMade} />}
      {made === undefined && token === '' && (
        <Alert tone="warning" heading={t('activation.noToken.heading')}>
          {t('activation.noToken.text')}
        </Alert>
      )}
    </Page>
  );
}

function Invitation({ token, onMade }: { token: string; onMade: (made: MadeKeyFile) => void }) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['activation', token],
    queryFn: () => answer(client.POST('/activation/look-up', { body: { token } })),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (isPending) return <Skeleton label={t('ui.loading')} />;
  if (error !== null) {
    return (
      <>
        <Refused error={error} onRetry={() => void refetch()} />
        {error instanceof ProblemError && error.code.startsWith('org.proofing.') && <Prove token={token} />}
      </>
    );
  }
  return <Wizard token={token} invitation={data} onMade={onMade} onWrongCode={() => void refetch()} />;
}

/** The invitation cannot be used: says why and who can help. */
function Refused({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation();
  const temporary = !(error instanceof ProblemError) || error.status === 0 || error.status >= 500;
  return (
    <Alert tone="error" heading={t('activation.refused')} live>
      <p className="alert-text">{errorText(error)}</p>
      {temporary ? (
        <div className="actions">
          <Button icon="refresh" onClick={onRetry}>
            {t('ui.retry')}
          </Button>
        </div>
      ) : (
        <p className="alert-text">{t('activation.askAdministrator')}</p>
      )}
    </Alert>
  );
}

/** Shows with MitID who one is, where the organisation has NemLog-in for it. */
function Prove({ token }: { token: string }) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => beginProof(token),
    onSuccess: (to) => {
      // What stands after # does not come back with the browser.
      sessionStorage.setItem(proving, token);
      depart(to);
    },
  });
  return (
    <div className="panel">
      <p>{t('ownLogin.prove.text')}</p>
      {error !== null && (
        <Alert tone="error" heading={t('ownLogin.prove.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="primary" icon="lock" pending={isPending} onClick={() => mutate()}>
          {t('ownLogin.prove.go')}
        </Button>
      </div>
    </div>
  );
}

interface WizardProps {
  token: string;
  invitation: Schema['Activation'];
  onMade: (made: MadeKeyFile) => void;
  onWrongCode: () => void;
}

const useStepNames = (): string[] => {
  const { t } = useTranslation();
  return [t('activation.steps.code'), t('activation.steps.password'), t('activation.steps.file'), t('activation.steps.done')];
};

function Wizard({ token, invitation, onMade, onWrongCode }: WizardProps) {
  const { t } = useTranslation();
  const names = useStepNames();
  const [activator] = useState(() => new Activator());
  const [code, setCode] = useState('');
  const [atPassword, setAtPassword] = useState(false);
  const [work, setWork] = useState<'key' | 'certificate' | 'file'>('key');
  useEffect(() => () => activator.close(), [activator]);
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: (password: string) =>
      activator.run({ token, code, password, algorithm: invitation.key_algorithm, onStep: setWork }),
    onSuccess: onMade,
    onError: (problem) => {
      if (!(problem instanceof ProblemError) || problem.status === 0 || problem.status >= 500) return;
      // The code is only tried together with the key: back to where it is typed.
      setAtPassword(false);
      onWrongCode();
    },
  });
  if (isPending) {
    return (
      <>
        <Steps names={names} current={2} />
        <div className="panel">
          <Waiting>{t(`activation.work.${work}`)}</Waiting>
        </div>
      </>
    );
  }
  return (
    <>
      <Steps names={names} current={atPassword ? 1 : 0} />
      {error !== null && (
        <Alert tone="error" heading={t('activation.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      {atPassword ? (
        <PasswordStep onBack={() => setAtPassword(false)} onSubmit={mutate} />
      ) : (
        <CodeStep
          invitation={invitation}
          code={code}
          onSubmit={(typed) => {
            reset();
            setCode(typed);
            setAtPassword(true);
          }}
        />
      )}
    </>
  );
}

function Finish({ made }: { made: MadeKeyFile }) {
  const { t } = useTranslation();
  const names = useStepNames();
  const [saved, setSaved] = useState(false);
  useEffect(() => {
    // The token is used up; it need not stay in the address bar.
    history.replaceState(history.state, '', location.pathname);
  }, []);
  useBlocker({
    shouldBlockFn: () => !saved && !confirm(t('activation.leave')),
    enableBeforeUnload: () => !saved,
  });
  return (
    <>
      <Steps names={names} current={saved ? 3 : 2} />
      {saved ? <DoneStep made={made} /> : <DownloadStep made={made} onSaved={() => setSaved(true)} />}
    </>
  );
}
