import { describe } from 'node:test'
import { reachability } from '../../test/contract/reachability.ts'

describe('who reaches whom, by real packets of IPv6', () => reachability('IPv6'))
