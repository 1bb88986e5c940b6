import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { registerService, serviceKey } from '@/api/services';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { useToast } from '@/ui/toast';
import { MetadataForm } from './metadata-form';
import { OwnMetadata } from './own-metadata';

export function NewServicePage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate, isPending, error } = useMutation({
    mutationFn: registerService,
    onSuccess: (service) => {
      queries.setQueryData(serviceKey(service.id), service);
      void queries.invalidateQueries({ queryKey: ['services', 'list'] });
      toast('success', t('services.registered'));
      void navigate({ to: '/services/$id', params: { id: service.id } });
    },
  });
  return (
    <Page
      title={t('services.register')}
      lead={t('services.form.lead')}
      parent={{ to: '/services', title: t('services.title') }}
      narrow
    >
      {error !== null && (
        <Alert tone="error" heading={t('services.form.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <MetadataForm submit={t('services.form.submit')} pending={isPending} onSubmit={mutate} />
      <OwnMetadata />
    </Page>
  );
}
