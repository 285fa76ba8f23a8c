/**
 * Runs the embedded cloud of the cost benchmark in its own process. Sends the address to its parent, and ends with it.
 */
import { startEmbeddedCloud } from '../../src/fake-openstack/embedded-cloud.ts';
import { signIn } from '../support/cloud-user.ts';

const cloud = await startEmbeddedCloud({ workers: 512, speed: 100 });
const user = await signIn(cloud);
const list = `${user.endpoint('compute')}/servers/detail?limit=100`;
process.send?.({ authUrl: cloud.authUrl, password: cloud.password, list, token: user.token });
process.on('disconnect', () => process.exit());
