import type { ComponentProps, MouseEvent } from 'react';
import { Icon, type IconName } from './icon';

type Variant = 'primary' | 'secondary' | 'tertiary' | 'warning' | 'unstyled';

interface ButtonProps extends ComponentProps<'button'> {
  variant?: Variant;
  icon?: IconName;
  /** Work is under way: the button keeps focus, shows it and does nothing. */
  pending?: boolean;
}

export function Button({ variant = 'secondary', icon, pending = false, ...rest }: ButtonProps) {
  const { children, className = '', onClick, type = 'button', ...others } = rest;
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    // The second click of a double click comes before anything is seen to be pending.
    const again = type === 'submit' && event.detail > 1;
    if (pending || again) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      {...others}
      type={type}
      className={`button button-${variant} ${className}`}
      aria-disabled={pending || undefined}
      onClick={click}
    >
      {pending ? <span className="spinner spinner-small" aria-hidden /> : icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}
