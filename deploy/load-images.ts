import type { Clock } from '../shared/time/clock.ts'
import { runningWorkers } from './await-cluster.ts'
import { lastLines, outputOf, runCommand } from './command.ts'
import type { Settings } from './settings.ts'
import { CannotGoOn } from './step.ts'

const REGISTRY_PATIENCE_MS = 20_000

/** Where an image lies in the cluster's registry. */
export interface ImagePlace {
  /** Path below the registry's address. */
  readonly repository: string
  readonly tag: string
  /** Workers ask the cluster's registry first for these, by themselves; for other registries' names they have to be told. */
  readonly isFromDockerHub: boolean
}

/**
 * The place of an image name, by Docker's rules: `nginx` is `library/nginx:latest` of Docker Hub, a first part with a dot, a colon or
 * `localhost` is a registry.
 */
export function placeOf(image: string): ImagePlace {
  if (image.includes('@'))
    throw new CannotGoOn(`${image} is named by digest`, 'give the image a tag: a registry keeps another digest than the Docker Engine')
  const colon = image.lastIndexOf(':')
  const hasTag = colon > image.lastIndexOf('/')
  const name = hasTag ? image.slice(0, colon) : image
  const tag = hasTag ? image.slice(colon + 1) : 'latest'
  const parts = name.split('/')
  const host = parts.length > 1 && /[.:]|^localhost$/.test(parts[0] ?? '') ? parts.shift() : undefined
  if (host !== undefined && host !== 'docker.io' && host !== 'index.docker.io') {
    return { repository: [host.replaceAll(':', '-'), ...parts].join('/'), tag, isFromDockerHub: false }
  }
  return { repository: parts.length === 1 ? `library/${parts[0]}` : parts.join('/'), tag, isFromDockerHub: true }
}

/**
 * Puts images of this machine's Docker into the cluster's registry, where the workers find them under every pull policy. What is there
 * already is not sent again. Images with a registry's name of their own are also put into each running worker.
 * @returns the names that were sent
 * @throws CannotGoOn when an image is not in this machine's Docker or the registry does not answer
 */
export async function loadImages(settings: Settings, images: readonly string[], clock: Clock): Promise<string[]> {
  await awaitRegistry(settings, clock)
  const sent: string[] = []
  // One after the other: the registry mixes up the parts of images that share layers when they come at once.
  const ids = await imageIds(images)
  for (const [index, image] of images.entries()) {
    const place = placeOf(image)
    if (!(await isInRegistry(settings, place, ids[index]!))) {
      await push(settings, image, place)
      sent.push(image)
    }
    if (!place.isFromDockerHub) await bringToWorkers(settings, image, place)
  }
  return sent
}

/** Their ids, in the same order. @throws CannotGoOn naming one that is not there */
async function imageIds(images: readonly string[]): Promise<string[]> {
  const inspect = (names: readonly string[]) => runCommand('docker', ['image', 'inspect', '--format', '{{.Id}}', ...names])
  const all = await inspect(images)
  if (all.code === 0) return all.stdout.trim().split('\n')
  for (const image of images) {
    if ((await inspect([image])).code === 0) continue
    throw new CannotGoOn(`the image ${image} is not in this machine's Docker`, `docker pull ${image}, or docker build -t ${image} …`)
  }
  throw new CannotGoOn(lastLines(all.stderr, 3), "'docker image ls' shows what there is")
}

async function push(settings: Settings, image: string, { repository, tag }: ImagePlace): Promise<void> {
  const alias = `127.0.0.1:${settings.registryPort}/${repository}:${tag}`
  await outputOf('docker', ['tag', image, alias])
  try {
    await outputOf('docker', ['push', '-q', alias])
  } catch (error) {
    throw new CannotGoOn(
      `${image} could not be sent to the cluster's registry: ${error instanceof Error ? error.message : error}`,
      "'deploy/compose.sh logs registry' shows the registry's side",
      { cause: error },
    )
  } finally {
    await runCommand('docker', ['rmi', alias])
  }
}

async function bringToWorkers(settings: Settings, image: string, { repository, tag }: ImagePlace): Promise<void> {
  const inRegistry = `registry:5000/${repository}:${tag}`
  const script = `if [ "\${COXSWAIN_RUNTIME:-docker}" = containerd ]; then
    ctr -n k8s.io images pull --hosts-dir /run/coxswain/registries "$1" && ctr -n k8s.io images tag --force "$1" "$2" && ctr -n k8s.io images rm "$1"
  else docker pull -q "$1" && docker tag "$1" "$2" && docker rmi "$1"; fi`
  await Promise.all(
    (await runningWorkers(settings)).map((worker) => outputOf('docker', ['exec', worker.id, 'sh', '-ec', script, 'sh', inRegistry, image])),
  )
}

/** An engine's image id is the digest of the image's configuration, or (newer engines) of its manifest. */
async function isInRegistry(settings: Settings, { repository, tag }: ImagePlace, id: string): Promise<boolean> {
  const answer = await askRegistry(settings, `/v2/${repository}/manifests/${tag}`)
  if (answer.status !== 200) return false
  const manifest = JSON.parse(answer.body) as { config?: { digest?: string } }
  return manifest.config?.digest === id || answer.digest === id
}

async function awaitRegistry(settings: Settings, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + REGISTRY_PATIENCE_MS
  let problem = ''
  while (clock.monotonic() < deadline) {
    try {
      const { status } = await askRegistry(settings, '/v2/')
      if (status === 200) return
      problem = `it answers ${status}`
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    await clock.sleep(50)
  }
  throw new CannotGoOn(
    `the cluster's registry does not answer on 127.0.0.1:${settings.registryPort}: ${problem}`,
    "'make up' starts it; 'deploy/compose.sh logs registry' shows its log",
  )
}

const MANIFEST_FORMS =
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'

async function askRegistry(settings: Settings, path: string): Promise<{ status: number; body: string; digest: string | undefined }> {
  const response = await fetch(`http://127.0.0.1:${settings.registryPort}${path}`, {
    headers: { accept: MANIFEST_FORMS },
    signal: AbortSignal.timeout(5000),
  })
  return { status: response.status, body: await response.text(), digest: response.headers.get('docker-content-digest') ?? undefined }
}
