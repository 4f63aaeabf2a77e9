// Prints {file: {route, title, anchors}} of a built site: routes from the plugin's own metadata, anchors from the HTML.
// usage: node collect.mjs SITE_DIR
import { readdirSync, readFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const site = process.argv[2]
const { parse } = createRequire(join(site, 'package.json'))('parse5')

function* headings(node) {
  for (const child of [...(node.childNodes ?? []), ...(node.content?.childNodes ?? [])]) {
    if (/^h[1-6]$/.test(child.tagName ?? '')) {
      const id = child.attrs.find(({ name }) => name === 'id')
      if (id) yield id.value
    }
    yield* headings(child)
  }
}

function article(node) {
  if ((node.attrs ?? []).some(({ name, value }) => name === 'class' && value.includes('theme-doc-markdown'))) return node
  for (const child of node.childNodes ?? []) {
    const found = article(child)
    if (found) return found
  }
  return null
}

function html(permalink) {
  const bare = join(site, 'build', permalink)
  return [join(bare, 'index.html'), `${bare.replace(/\/$/, '')}.html`].find(existsSync)
}

const metadata = join(site, '.docusaurus', 'docusaurus-plugin-content-docs', 'default')
const pages = {}
for (const file of readdirSync(metadata).filter((name) => name.startsWith('site-docs-'))) {
  const { source, permalink, title } = JSON.parse(readFileSync(join(metadata, file), 'utf8'))
  const page = html(permalink)
  if (!page) throw new Error(`no HTML for ${source} at ${permalink}`)
  pages[source.replace('@site/docs/', '')] = {
    route: permalink,
    title,
    anchors: [...headings(article(parse(readFileSync(page, 'utf8'))))]
  }
}
process.stdout.write(JSON.stringify(pages))
