import type { Flavor } from '../fixtures.ts';
import { json } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute } from './context.ts';
import { detailedFlavor, links } from './server-view.ts';

/** /flavors and what is under it. Asked for by a name, a flavor is not found, as in Nova. */
export function novaFlavorRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { root, offer } = options;
  const read = (path: string) => ({ method: 'GET', path, operation: 'read' as const });
  const one = (id: string, answer: (flavor: Flavor) => unknown) => {
    const flavor = offer.flavors.find((each) => each.id === id);
    return flavor === undefined ? novaFault(404, `Flavor ${id} could not be found.`) : json(200, answer(flavor));
  };
  return [
    novaRoute(options, read('/flavors'), () =>
      json(200, { flavors: offer.flavors.map(({ id, name }) => ({ id, name, links: links('flavors', id, root) })) }),
    ),
    novaRoute(options, read('/flavors/detail'), ({ minor }) =>
      json(200, { flavors: offer.flavors.map((flavor) => detailedFlavor(flavor, { minor, root })) }),
    ),
    novaRoute(options, read('/flavors/:id'), ({ minor }, [id = '']) =>
      one(id, (flavor) => ({ flavor: detailedFlavor(flavor, { minor, root }) })),
    ),
    novaRoute(options, read('/flavors/:id/os-extra_specs'), (_context, [id = '']) =>
      one(id, () => ({ extra_specs: {} })),
    ),
  ];
}
