import { sqlitePlace } from '../support/journal-place.ts';
import { journalContract } from './journal.ts';

journalContract('a journal in SQLite', sqlitePlace);
