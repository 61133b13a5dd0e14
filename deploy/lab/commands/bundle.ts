import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { list, path } from '../../../shared/process/setting.ts'
import { lastLines, outputOf, runCommand } from '../../command.ts'
import { CannotGoOn } from '../../step.ts'
import { defineLabCommand } from '../lab-command.ts'
import { PAUSE_IMAGE } from '../machine/engine.ts'
import { ownHome, releaseFolders } from '../machine/release.ts'

/** Everything that a machine without a network needs, in one folder. */
export const bundle = defineLabCommand({
  name: 'bundle',
  summary: 'makes a folder from which machines without a network become servers and nodes',
  settings: {
    output: path('the folder', 'coxswain-bundle'),
    images: list(`images of this machine's Docker to take along, besides ${PAUSE_IMAGE}`),
  },
  async act({ output, images }, { steps, print }) {
    const target = resolve(output)
    if (existsSync(target)) throw new CannotGoOn(`${target} is there already`, 'remove it, or name another with --output')
    const unfinished = `${target}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    await steps.run('program', async () => {
      mkdirSync(unfinished, { recursive: true })
      const what = [...releaseFolders, 'package.json', 'package-lock.json', 'tools/node', 'node_modules', '.dockerignore'].join(' ')
      const copy = `tar -C "$1" --wildcards --anchored --exclude='*.test.ts' --exclude='node_modules/@biomejs' --exclude='node_modules/@typescript' -cf - ${what} | tar -C "$2" -xf -`
      await outputOf('sh', ['-c', copy, 'sh', ownHome, unfinished])
      cpSync(join(ownHome, 'README.md'), join(unfinished, 'README.md'))
    })
    await steps.run('images', async (note) => {
      const names = [...new Set([PAUSE_IMAGE, ...images])]
      const made = await runCommand(join(ownHome, 'deploy/images.sh'), [PAUSE_IMAGE], { env: process.env })
      if (made.code !== 0) throw new CannotGoOn(`${PAUSE_IMAGE} is not to be had: ${lastLines(made.stderr, 3)}`, 'see above')
      const saved = await runCommand('docker', ['save', '--output', join(unfinished, 'images.tar'), ...names])
      if (saved.code !== 0)
        throw new CannotGoOn(`the images cannot be saved: ${lastLines(saved.stderr, 3)}`, 'docker pull those that are missing here')
      note(names.join(' '))
    })
    await outputOf('mv', [unfinished, target])
    print(`\nCarry ${target} to the other machine; there, as root: deploy/lab/coxswain-lab.sh join …`)
    print("Its Docker Engine and Debian's packages (deploy/packages.sh --check) must be there already.")
  },
})
