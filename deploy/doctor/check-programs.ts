import { join } from 'node:path'
import { runCommand } from '../command.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

/** Node, compose, kubectl, and what the tests use. */
export async function checkPrograms(settings: Settings): Promise<Finding[]> {
  const findings = [good(`Node ${process.versions.node}, pinned by npm`)]
  if ((await runCommand('docker', ['compose', 'version'])).code === 0) findings.push(good('compose: the plug-in of docker'))
  else if (await isInstalled('docker-compose')) findings.push(good('compose: docker-compose'))
  else findings.push({ state: 'warning', text: 'compose is not installed', cure: "'make up' installs Debian's docker-compose" })
  const missing = await runCommand(join(settings.checkout, 'deploy/packages.sh'), ['--check'])
  if (missing.code === 0) findings.push(good('the programs that the tests use are installed'))
  else
    findings.push({
      state: 'warning',
      text: missing.stdout.trim().replaceAll('packages: ', ''),
      cure: "'make test' installs them, or deploy/packages.sh",
    })
  if (await isInstalled('kubectl')) findings.push(good('kubectl is installed'))
  else
    findings.push({
      state: 'warning',
      text: 'kubectl is not installed',
      cure: 'https://kubernetes.io/docs/tasks/tools/; the cluster itself does without',
    })
  return findings
}

async function isInstalled(program: string): Promise<boolean> {
  return (await runCommand('sh', ['-c', 'command -v "$1"', 'sh', program])).code === 0
}
