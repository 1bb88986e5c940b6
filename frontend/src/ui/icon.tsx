import sprite from '@dkfds/img/all-svg-icons.svg?url';

/** Names of dkfds' icons (Apache 2.0) that the pages use. */
export type IconName =
  | 'account' | 'add-document' | 'arrow-forward' | 'check' | 'chevron-right' | 'close' | 'copy' | 'download'
  | 'email' | 'error' | 'file' | 'file-pdf' | 'help' | 'hourglass' | 'how-to-reg' | 'info' | 'language' | 'lock'
  | 'menu' | 'minus' | 'open-in-new' | 'person' | 'persons' | 'plus' | 'refresh' | 'save' | 'search' | 'success'
  | 'business' | 'checklist' | 'edit' | 'notifications' | 'print' | 'settings' | 'share'
  | 'sync' | 'time' | 'upload' | 'visibility' | 'visibility-off' | 'warning' | 'link' | 'delete';

interface IconProps {
  name: IconName;
  className?: string;
  /** Spoken name; without one the icon is decoration. */
  label?: string;
}

export function Icon({ name, className = '', label }: IconProps) {
  const spoken = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return (
    <svg className={`icon-svg ${className}`} focusable="false" {...spoken}>
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
