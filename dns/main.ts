import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createDns } from './create-dns.ts'

process.exit(await run({ name: 'dns', summary: 'answers the cluster’s names on this node', settings, create: createDns }))
