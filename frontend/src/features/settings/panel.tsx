import { useMutation } from '@tanstack/react-query';
import { type ReactNode, type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import type { Settings, SettingsChange } from '@/api/settings';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { useToast } from '@/ui/toast';

export interface PanelProps {
  settings: Settings;
  /** Others see the settings and cannot change them. */
  changes: boolean;
  save: (change: SettingsChange) => Promise<void>;
}

interface FormProps<T extends SettingsChange> extends PanelProps {
  id: string;
  title: string;
  lead?: string;
  /** The part of the settings that the form is about. */
  part: (settings: Settings) => T;
  /** A mistake that the server cannot see, as text. */
  check?: (draft: T) => string | undefined;
  children: (draft: T, edit: (change: Partial<T>) => void, errorOf: (field: string) => string | undefined) => ReactNode;
}

/** One form: what was typed stands until it is saved or taken back. */
export function Panel<T extends SettingsChange>(props: FormProps<T>) {
  const { id, title, lead, part, check, children, settings, changes, save } = props;
  const { t } = useTranslation();
  const toast = useToast();
  const [typed, setTyped] = useState<T>();
  const [wrong, setWrong] = useState<string>();
  const draft = typed ?? part(settings);
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: save,
    onSuccess: () => {
      setTyped(undefined);
      toast('success', t('settings.saved'));
    },
  });
  const edit = (change: Partial<T>) => setTyped({ ...draft, ...change });
  const field = error instanceof ProblemError ? error.field : undefined;
  const errorOf = (name: string) => (field === name ? errorText(error) : undefined);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const problem = check?.(draft);
    setWrong(problem);
    if (problem === undefined && !isPending) mutate(draft);
  };
  const undo = () => {
    setTyped(undefined);
    setWrong(undefined);
    reset();
  };
  const said = wrong ?? (error === null ? undefined : errorText(error));
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {lead !== undefined && <p className="quiet">{lead}</p>}
      <form noValidate onSubmit={submit}>
        <fieldset className="bare" disabled={!changes}>
          <legend className="sr-only">{title}</legend>
          {children(draft, edit, errorOf)}
        </fieldset>
        {said !== undefined && (
          <Alert tone="error" live>
            {said}
          </Alert>
        )}
        {changes && (
          <div className="actions">
            <Button type="submit" variant="primary" icon="save" pending={isPending}>
              {t('settings.save')}
            </Button>
            {typed !== undefined && <Button onClick={undo}>{t('settings.undo')}</Button>}
          </div>
        )}
      </form>
    </section>
  );
}
