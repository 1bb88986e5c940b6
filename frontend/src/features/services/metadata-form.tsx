import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { codeText } from '@/i18n';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { TextArea } from '@/ui/field';
import { FileField } from '@/ui/file-field';

const maxMetadata = 1 << 20;

interface MetadataFormProps {
  submit: string;
  pending: boolean;
  onSubmit: (metadata: string) => void;
}

/** Metadata from a file or pasted; a chosen file fills the field, so that what
 * is sent can be seen. */
export function MetadataForm({ submit, pending, onSubmit }: MetadataFormProps) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File>();
  const [text, setText] = useState('');
  const [error, setError] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const choose = (chosen: File | undefined) => {
    setFile(chosen);
    if (chosen === undefined) return;
    if (chosen.size > maxMetadata) setError(codeText('form.metadataLarge'));
    else
      void chosen.text().then((read) => {
        setText(read);
        setError(undefined);
      });
  };
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const missing = text.trim() === '';
    setError(missing ? codeText('form.metadata') : undefined);
    if (missing) setAttempt(attempt + 1);
    else if (!pending) onSubmit(text);
  };
  return (
    <form className="panel" noValidate onSubmit={send}>
      <ErrorSummary problems={error === undefined ? [] : [{ field: 'metadata', text: error }]} attempt={attempt} />
      <FileField
        id="metadata-file"
        label={t('services.form.file')}
        accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
        file={file}
        onChange={choose}
      />
      <TextArea
        id="metadata"
        className="code"
        label={t('services.form.text')}
        hint={t('services.form.hint')}
        rows={10}
        spellCheck={false}
        error={error}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
