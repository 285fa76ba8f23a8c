import { didYouMean } from '../../format/did-you-mean.ts';
import { authText, type CloudParts, refuse, topText } from './cloud-parts.ts';

export type AuthType = 'password' | 'application-credential' | 'token';

const SUPPORTED: ReadonlyMap<string, AuthType> = new Map([
  ['password', 'password'],
  ['v3password', 'password'],
  ['v3applicationcredential', 'application-credential'],
  ['token', 'token'],
  ['v3token', 'token'],
]);

/** Of keystoneauth, and of its plug-ins in wide use. */
const OTHERS = [
  ...['none', 'noauth', 'admin_token', 'token_endpoint', 'http_basic', 'v1password', 'v2password', 'v2token'],
  ...['v3adfspassword', 'v3kerberos', 'v3multifactor', 'v3oauth1', 'v3oauth2clientcredential', 'v3oidcaccesstoken'],
  ...['v3oidcauthcode', 'v3oidcclientcredentials', 'v3oidcdeviceauthz', 'v3oidcpassword', 'v3samlpassword'],
  ...['v3tokenlessauth', 'v3totp'],
];

const RIGHT = 'password, v3applicationcredential and token are';

/** By `auth_type`, or by what there is to authenticate with, as the openstack command does. */
export function authTypeOf(cloud: CloudParts): AuthType {
  const key = topText(cloud, 'auth_type') === null ? 'auth_plugin' : 'auth_type';
  const given = topText(cloud, key);
  if (given === null) return inferred(cloud);
  const type = SUPPORTED.get(given);
  if (type !== undefined) return type;
  const label = cloud.label(key);
  if (OTHERS.includes(given)) throw refuse(cloud, `${label} '${given}' is not supported; ${RIGHT}`);
  const slip = didYouMean(given, [...SUPPORTED.keys(), ...OTHERS]);
  const shown = slip === null ? label : `${label} '${given}'`;
  throw refuse(cloud, `${shown} is not known; ${slip === null ? RIGHT : `did you mean '${slip}'?`}`);
}

function inferred(cloud: CloudParts): AuthType {
  const has = (...keys: readonly string[]) => authText(cloud, ...keys) !== null;
  if (has('password')) return 'password';
  if (has('application_credential_secret', 'application_credential_id')) return 'application-credential';
  if (has('token', 'auth_token') && !has('username', 'user_name', 'user_id')) return 'token';
  return 'password';
}
