import { useQuery } from '@tanstack/react-query';
import { installationQuery } from '@/api/session';
import { CopyButton } from '@/ui/copy-button';

interface MetadataAddressProps {
  heading: string;
  text: string;
  /** Below the address of the installation, with a slash in front. */
  path: string;
}

/**
 * What the other side needs: an address of Adgang's own metadata. It is no link,
 * since whoever opens a service's own address counts as that service.
 */
export function MetadataAddress({ heading, text, path }: MetadataAddressProps) {
  const { data } = useQuery(installationQuery);
  if (data === undefined) return null;
  const url = data.base_url.replace(/\/$/, '') + path;
  return (
    <section className="panel" aria-labelledby="own">
      <h2 id="own">{heading}</h2>
      <p>{text}</p>
      <p className="code break">{url}</p>
      <CopyButton text={url} what={heading} />
    </section>
  );
}
