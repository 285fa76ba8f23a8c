import type { Request } from '../http/answer.ts';
import type { Token } from '../keystone/tokens.ts';

/** What an answer of Neutron depends on. */
export type NeutronContext = { readonly request: Request; readonly token: Token };
