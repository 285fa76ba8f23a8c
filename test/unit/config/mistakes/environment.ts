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
    'environment: OS_AUTH_URL is missing; what is set (OS_PASSWORD, OS_PROJECT_NAME and OS_USERNAME) is taken for a cloud: complete it, or choose one of clouds.yaml by OS_CLOUD',
  ),
  openrc(
    'an OS_AUTH_URL that is none',
    { OS_AUTH_URL: 'ks.example' },
    `environment: OS_AUTH_URL is no URL; http://HOST:PORT/PATH or https:// is wanted`,
  ),
  openrc('no OS_USERNAME', { OS_USERNAME: '' }, 'environment: OS_USERNAME is missing; set it or OS_USER_ID'),
  openrc(
    'no OS_PASSWORD',
    { OS_PASSWORD: '' },
    'environment: OS_PASSWORD is missing; set it, or choose a cloud of clouds.yaml by OS_CLOUD',
  ),
  openrc(
    'OS_PASSWORD with a slip',
    { OS_PASSWORD: '', OS_PASWORD: 's3cr3t-pw' },
    'environment: OS_PASSWORD is missing; did you mean it by OS_PASWORD?',
  ),
  openrc(
    'no OS_PROJECT_NAME',
    { OS_PROJECT_NAME: '' },
    'environment: OS_PROJECT_NAME is missing; set it or OS_PROJECT_ID',
  ),
  openrc(
    'an OS_AUTH_TYPE with a slip',
    { OS_AUTH_TYPE: 'pasword' },
    `environment: OS_AUTH_TYPE 'pasword' is not known; did you mean 'password'?`,
  ),
  openrc(
    'an OS_AUTH_TYPE of Keystone v2',
    { OS_AUTH_TYPE: 'v2password' },
    `environment: OS_AUTH_TYPE 'v2password' is not supported; password, v3applicationcredential and token are`,
  ),
  openrc(
    'an application credential without OS_AUTH_TYPE',
    { OS_PASSWORD: '', OS_AUTH_TYPE: 'password', OS_APPLICATION_CREDENTIAL_ID: '4f2' },
    'environment: OS_PASSWORD is missing; for an application credential set OS_AUTH_TYPE=v3applicationcredential',
  ),
  openrc(
    'an application credential beside OS_PROJECT_NAME',
    {
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: '4f2',
      OS_APPLICATION_CREDENTIAL_SECRET: 's3cr3t-pw',
    },
    'environment: an application credential carries its project, and Keystone takes no other; remove the project',
  ),
  openrc(
    'an OS_INTERFACE that is none',
    { OS_INTERFACE: 'outside' },
    `environment: OS_INTERFACE is another text; public, internal or admin is wanted`,
  ),
  openrc(
    'an OS_ENDPOINT_TYPE that is none',
    { OS_ENDPOINT_TYPE: 'PublicURL' },
    `environment: OS_ENDPOINT_TYPE is another text; public, internal or admin is wanted`,
  ),
  openrc('OS_INSECURE=1', { OS_INSECURE: '1' }, `environment: OS_INSECURE is '1'; true or false is wanted`),
  openrc(
    'an OS_CACERT that is not there',
    { OS_CACERT: '~/ca.pem' },
    'environment: OS_CACERT DIR/home/ca.pem does not exist; name a file that can be read',
  ),
  openrc(
    'an override that is no URL',
    { OS_COMPUTE_ENDPOINT_OVERRIDE: '10.0.0.1:8774' },
    `environment: OS_COMPUTE_ENDPOINT_OVERRIDE is no URL; http://HOST:PORT/PATH or https:// is wanted`,
  ),
  openrc(
    'the latest microversion',
    { OS_COMPUTE_DEFAULT_MICROVERSION: '2.latest' },
    `environment: OS_COMPUTE_DEFAULT_MICROVERSION is '2.latest', which an upgrade moves; pin one, such as 2.38`,
  ),
  openrc(
    'a system scope',
    { OS_SYSTEM_SCOPE: 'all' },
    'environment: OS_SYSTEM_SCOPE is not supported; servers are booted in a project, so name that instead',
  ),
  {
    name: 'a variable that makes a cloud by mistake',
    env: { OS_COMPUTE_API_VERSION: '2.1' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message:
      'environment: OS_AUTH_URL is missing; what is set (OS_COMPUTE_API_VERSION) is taken for a cloud: complete it, or choose one of clouds.yaml by OS_CLOUD',
  },
];
