import { useMutation } from '@tanstack/react-query';
import i18n from 'i18next';
import { answer, client } from '@/api/client';

/** Ends the session and leaves with a full page load, so that nothing of it
 * stays in memory: to the login page, or first through the services that were
 * entered by it. everywhere ends the sessions in other browsers too. */
export function useLogOut(everywhere = false): () => void {
  const { mutate } = useMutation({
    mutationFn: () => answer(client.DELETE('/session', { params: { query: everywhere ? { everywhere } : {} } })),
    onSettled: (begun) => location.assign(begun === undefined ? '/login' : `${begun.continue}&lang=${i18n.language}`),
  });
  return () => mutate();
}
