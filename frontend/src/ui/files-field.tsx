import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '@/format';
import { Chooser, DropFrame } from './file-field';

interface FilesFieldProps {
  id?: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  /** As in `<input accept>`; a folder gives all it holds. */
  accept: string;
  files: File[];
  onChange: (files: File[]) => void;
}

/** Files, or a folder of them, chosen or dropped. */
export function FilesField({ label, hint, error, accept, files, onChange, ...rest }: FilesFieldProps) {
  const { t } = useTranslation();
  const made = useId();
  const { id = made } = rest;
  const common = { field: id, hint, error, onChoose: onChange };
  return (
    <DropFrame {...{ id, label, hint, error }} onDrop={onChange}>
      <span>
        <Chooser {...common} id={id} icon="upload" text={t(files.length === 0 ? 'ui.files.choose' : 'ui.files.others')} input={{ accept, multiple: true }} />
      </span>
      <span>
        <Chooser {...common} id={`${id}-folder`} icon="file" text={t('ui.files.folder')} input={{ multiple: true, webkitdirectory: '' }} />
      </span>
      <p id={`${id}-chosen`}>{files.length === 0 ? t('ui.files.drop') : <Names files={files} />}</p>
    </DropFrame>
  );
}

const mostNames = 5;

function Names({ files }: { files: File[] }) {
  const { t } = useTranslation();
  const names = files.slice(0, mostNames).map((file) => file.name);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <>
      <strong>{names.join(', ')}</strong>
      {files.length > mostNames && ` ${t('ui.files.more', { count: files.length - mostNames })}`} <span className="quiet nowrap">{bytes(size)}</span>
    </>
  );
}
