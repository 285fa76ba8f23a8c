import { type Answer, headerOf, json, type Request } from '../http/answer.ts';

/** The minor number: 53 for 2.53. */
export const MIN_MINOR = 1;
export const MAX_MINOR = 93;

export type Negotiated = { readonly minor: number } | { readonly refused: Answer };

/** Which microversion the request wants, by either of the two headers. */
export function negotiate(request: Request): Negotiated {
  const modern = headerOf(request, 'openstack-api-version')
    ?.split(',')
    .map((part) => part.trim().split(/\s+/))
    .find(([service]) => service === 'compute')?.[1];
  const wanted = modern ?? headerOf(request, 'x-openstack-nova-api-version');
  if (wanted === undefined) return { minor: MIN_MINOR };
  if (wanted === 'latest') return { minor: MAX_MINOR };
  const match = /^(\d+)\.(\d+)$/.exec(wanted);
  if (match === null) {
    const message = `API Version String ${wanted} is of invalid format. Must be of format MajorNum.MinorNum.`;
    return { refused: json(400, { badRequest: { code: 400, message } }) };
  }
  const minor = Number(match[2]);
  if (match[1] === '2' && minor >= MIN_MINOR && minor <= MAX_MINOR) return { minor };
  const message = `Version ${wanted} is not supported by the API. Minimum is 2.${MIN_MINOR} and maximum is 2.${MAX_MINOR}.`;
  return { refused: { ...json(406, { computeFault: { code: 406, message } }), headers: versionHeaders(wanted) } };
}

export const versionHeaders = (version: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'application/json',
  'OpenStack-API-Version': `compute ${version}`,
  'X-OpenStack-Nova-API-Version': version,
  Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
});
