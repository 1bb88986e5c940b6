import { createContext, type ReactNode, use, useCallback, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Tone } from './alert';

interface Toast {
  id: number;
  tone: Tone;
  text: string;
}

type Show = (tone: Tone, text: string) => void;

const ToastContext = createContext<Show>(() => undefined);

const shownFor = 8_000;

/** Short messages about what was just done; they leave by themselves. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [toasts, setToasts] = useState<Toast[]>([]);
  const last = useRef(0);
  const hide = useCallback((id: number) => {
    setToasts((all) => all.filter((one) => one.id !== id));
  }, []);
  const show = useCallback<Show>(
    (tone, text) => {
      const id = ++last.current;
      setToasts((all) => [...all.slice(-2), { id, tone, text }]);
      setTimeout(() => hide(id), shownFor);
    },
    [hide],
  );
  const list = useMemo(
    () => (
      <div className="toast-container" aria-live="polite">
        {toasts.map(({ id, tone, text }) => (
          <div key={id} className={`toast toast-${tone} show`} aria-atomic="true">
            <div className="toast-icon" />
            <div className="toast-message">
              <p>
                <span className="sr-only">{t(`ui.tone.${tone}`)}: </span>
                {text}
              </p>
              <button type="button" className="toast-close" onClick={() => hide(id)}>
                {t('ui.close')}
              </button>
            </div>
          </div>
        ))}
      </div>
    ),
    [toasts, t, hide],
  );
  return (
    <ToastContext value={show}>
      {children}
      {list}
    </ToastContext>
  );
}

export const useToast = (): Show => use(ToastContext);
