import type { Request } from './answer.ts';
import type { Token } from './tokens.ts';

/** What an answer of Neutron depends on. */
export type NeutronContext = { readonly request: Request; readonly token: Token };
