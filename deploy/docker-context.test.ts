import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { it } from 'node:test'

const checkout = resolve(import.meta.dirname, '..')

it('no package that only development needs gets into the images', () => {
  const lock = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean }> }
  const left = readFileSync(join(checkout, '.dockerignore'), 'utf8').split('\n')
  const sent = Object.entries(lock.packages)
    .filter(([path, entry]) => entry.dev === true && !left.some((rule) => rule !== '' && (path === rule || path.startsWith(`${rule}/`))))
    .map(([path]) => path)
  assert.deepEqual(sent, [], 'add them to .dockerignore')
})

it('no package that the services need is kept out of the images', () => {
  const lock = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: Record<string, string> }>
  }
  const left = readFileSync(join(checkout, '.dockerignore'), 'utf8').split('\n')
  const needed = Object.keys(lock.packages['']?.dependencies ?? {})
  assert.ok(needed.length > 0)
  for (const name of needed) assert.ok(!left.includes(`node_modules/${name}`), name)
})

it('an image is made anew when any folder that goes into it changes', () => {
  const build = readFileSync(join(checkout, 'deploy/build.sh'), 'utf8')
  const recipe = readFileSync(join(checkout, 'deploy/Dockerfile'), 'utf8')
  const common = (/find "\$@" ([^\n\\]*)/.exec(build)?.[1] ?? '').split(' ')
  for (const target of ['control-plane', 'worker']) {
    const part = recipe.split(/^FROM .* AS /m).find((each) => each.startsWith(`${target}\n`)) ?? ''
    const copied = [...part.matchAll(/^COPY (?:\S+ )*?(\S+) \/coxswain\/(\S+)$/gm)]
      .filter(([, from, to]) => from === to)
      .map(([, from]) => from)
    assert.ok(copied.length >= 5, target)
    const digested = new RegExp(`^${target.replace('-', '_')}=\\$\\(digest ([^)]*)\\)`, 'm').exec(build)?.[1]?.split(' ') ?? []
    // Of packages the lock file speaks.
    const forgotten = copied.filter((folder) => folder !== 'node_modules' && ![...digested, ...common].includes(folder ?? ''))
    assert.deepEqual(forgotten, [], `deploy/build.sh does not look at them for ${target}`)
  }
})
