import { startEmbeddedCloud } from '../../src/cloud/embedded-cloud.ts';
import { cloudContract } from './cloud.ts';

cloudContract('the embedded cloud', () => startEmbeddedCloud({ speed: 4 }));
