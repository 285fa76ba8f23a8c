import { GOOD_CLOUDS, type Mistake } from './mistake.ts';

const OPENRC = {
  OS_AUTH_URL: 'http://ks.example:5000/v3',
  OS_USERNAME: 'ada',
  OS_PASSWORD: 's3cr3t-pw',
  OS_PROJECT_NAME: 'engines',
};

const openrc = (name: string, env: Readonly<Record<string, string>>, message: string): Mistake => ({
  name,
  env: { ...OPENRC, ...env },
  message,
});

export const ENVIRONMENT_MISTAKES: readonly Mistake[] = [
  openrc(
    'no OS_AUTH_URL',
    { OS_AUTH_URL: '' },
    'environment: OS_AUTH_URL is missing; complete the cloud described by OS_PASSWORD, OS_PROJECT_NAME and OS_USERNAME, or choose one from clouds.yaml with OS_CLOUD',
  ),
  openrc(
    'an OS_AUTH_URL without a scheme',
    { OS_AUTH_URL: 'ks.example' },
    'environment: OS_AUTH_URL must be a URL, such as https://HOST:PORT/PATH',
  ),
  openrc('no OS_USERNAME', { OS_USERNAME: '' }, 'environment: OS_USERNAME is missing; set it or OS_USER_ID'),
  openrc(
    'no OS_PASSWORD',
    { OS_PASSWORD: '' },
    'environment: OS_PASSWORD is missing; set it, or choose a cloud from clouds.yaml with OS_CLOUD',
  ),
  openrc(
    'a misspelled OS_PASSWORD',
    { OS_PASSWORD: '', OS_PASWORD: 's3cr3t-pw' },
    'environment: OS_PASSWORD is missing; is OS_PASWORD a misspelling of it?',
  ),
  openrc(
    'no OS_PROJECT_NAME',
    { OS_PROJECT_NAME: '' },
    'environment: OS_PROJECT_NAME is missing; set it or OS_PROJECT_ID',
  ),
  openrc(
    'a misspelled OS_AUTH_TYPE',
    { OS_AUTH_TYPE: 'pasword' },
    `environment: OS_AUTH_TYPE 'pasword' is unknown; did you mean 'password'?`,
  ),
  openrc(
    'an OS_AUTH_TYPE of Keystone v2',
    { OS_AUTH_TYPE: 'v2password' },
    `environment: OS_AUTH_TYPE 'v2password' is not supported; use password, v3applicationcredential or token`,
  ),
  openrc(
    'an application credential without OS_AUTH_TYPE',
    { OS_PASSWORD: '', OS_AUTH_TYPE: 'password', OS_APPLICATION_CREDENTIAL_ID: '4f2' },
    'environment: OS_PASSWORD is missing; for an application credential, set OS_AUTH_TYPE=v3applicationcredential',
  ),
  openrc(
    'an application credential with OS_PROJECT_NAME',
    {
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: '4f2',
      OS_APPLICATION_CREDENTIAL_SECRET: 's3cr3t-pw',
    },
    'environment: an application credential is bound to its own project; remove the project',
  ),
  openrc(
    'an unknown OS_INTERFACE',
    { OS_INTERFACE: 'outside' },
    'environment: OS_INTERFACE must be public, internal or admin',
  ),
  openrc(
    'an unknown OS_ENDPOINT_TYPE',
    { OS_ENDPOINT_TYPE: 'PublicURL' },
    'environment: OS_ENDPOINT_TYPE must be public, internal or admin',
  ),
  openrc('OS_INSECURE=1', { OS_INSECURE: '1' }, `environment: OS_INSECURE is '1'; it must be true or false`),
  openrc(
    'an OS_CACERT that does not exist',
    { OS_CACERT: '~/ca.pem' },
    'environment: OS_CACERT DIR/home/ca.pem does not exist; specify a readable file',
  ),
  openrc(
    'an override that is not a URL',
    { OS_COMPUTE_ENDPOINT_OVERRIDE: '10.0.0.1:8774' },
    'environment: OS_COMPUTE_ENDPOINT_OVERRIDE must be a URL, such as https://HOST:PORT/PATH',
  ),
  openrc(
    'the latest microversion',
    { OS_COMPUTE_DEFAULT_MICROVERSION: '2.latest' },
    `environment: OS_COMPUTE_DEFAULT_MICROVERSION is '2.latest'; it must be a fixed microversion, such as 2.38, because 'latest' changes with an upgrade`,
  ),
  openrc(
    'a system scope',
    { OS_SYSTEM_SCOPE: 'all' },
    'environment: OS_SYSTEM_SCOPE is not supported; servers belong to a project, so set a project instead',
  ),
  {
    name: 'a stray variable that describes a cloud',
    env: { OS_COMPUTE_API_VERSION: '2.1' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message:
      'environment: OS_AUTH_URL is missing; complete the cloud described by OS_COMPUTE_API_VERSION, or choose one from clouds.yaml with OS_CLOUD',
  },
];
