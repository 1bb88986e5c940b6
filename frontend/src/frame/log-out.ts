import { useMutation } from '@tanstack/react-query';
import { answer, client } from '@/api/client';

/** Ends the session and leaves with a full page load, so that nothing of it
 * stays in memory. */
export function useLogOut(): () => void {
  const { mutate } = useMutation({
    mutationFn: () => answer(client.DELETE('/session')),
    onSettled: () => location.assign('/login'),
  });
  return () => mutate();
}
