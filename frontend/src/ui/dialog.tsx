import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  heading: string;
  children: ReactNode;
  /** Buttons, the one that does it first. */
  actions?: ReactNode;
}

/** The browser's own modal: it traps and returns the focus and closes by Esc. */
function useModal(open: boolean) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (open && dialog?.open === false) dialog.showModal();
    if (!open && dialog?.open === true) dialog.close();
  }, [open]);
  return element;
}

export function Dialog({ open, onClose, heading, children, actions }: DialogProps) {
  const { t } = useTranslation();
  const id = useId();
  const element = useModal(open);
  return (
    <dialog ref={element} className="fds-modal show-modal" aria-labelledby={id} onClose={onClose}>
      {open && (
        <div className="modal-content">
          <div className="modal-header">
            <h2 className="modal-title" id={id}>
              {heading}
            </h2>
            <button type="button" className="modal-close function-link" onClick={onClose}>
              <Icon name="close" />
              {t('ui.close')}
            </button>
          </div>
          <div className="modal-body">{children}</div>
          {actions !== undefined && <div className="modal-footer">{actions}</div>}
        </div>
      )}
    </dialog>
  );
}

/** The menu of small screens, from the right edge. */
export function Drawer({ open, onClose, heading, children }: Omit<DialogProps, 'actions'>) {
  const { t } = useTranslation();
  const id = useId();
  const element = useModal(open);
  return (
    <dialog ref={element} className="drawer" aria-labelledby={id} onClose={onClose}>
      {open && (
        <>
          <div className="drawer-top">
            <h2 id={id}>{heading}</h2>
            <button type="button" className="function-link" onClick={onClose}>
              <Icon name="close" />
              {t('ui.close')}
            </button>
          </div>
          {children}
        </>
      )}
    </dialog>
  );
}
