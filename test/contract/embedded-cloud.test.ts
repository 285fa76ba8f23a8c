import { startEmbeddedCloud } from '../../src/fake-openstack/embedded-cloud.ts';
import { cloudContract } from './cloud.ts';

cloudContract('the embedded cloud', () => startEmbeddedCloud({ speed: 4 }));
