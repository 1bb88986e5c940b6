import { Link } from '@tanstack/react-router';

/** Name and mark, the way home. */
export function Wordmark() {
  return (
    <Link to="/" className="wordmark">
      <svg viewBox="0 0 32 32" aria-hidden>
        <path d="M16 3 27 7v8.500c0 6.200-4.500 10.500-11 13-6.500-2.500-11-6.800-11-13V7z" fill="#e4f0f1" />
        <circle cx="16" cy="13.500" r="3.400" fill="#062f37" />
        <path d="M14.500 14.500h3l1.200 7.500h-5.400z" fill="#062f37" />
      </svg>
      Adgang
    </Link>
  );
}
