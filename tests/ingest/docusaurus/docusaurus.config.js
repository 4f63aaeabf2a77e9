// The smallest site that serves ./docs at the root, tolerant of links and components that the docs borrow from elsewhere.
const path = require('path')

const stubs = {
  'react-lite-youtube-embed/dist/LiteYouTubeEmbed.css$': path.join(__dirname, 'stub.css'),
  'react-lite-youtube-embed$': path.join(__dirname, 'stub.js')
}

module.exports = {
  title: 'Oracle',
  url: 'https://docs.example',
  baseUrl: '/',
  onBrokenLinks: 'ignore',
  onBrokenAnchors: 'ignore',
  onDuplicateRoutes: 'warn',
  markdown: {
    hooks: { onBrokenMarkdownLinks: 'ignore', onBrokenMarkdownImages: 'ignore' }
  },
  plugins: [
    ['@docusaurus/plugin-content-docs', { path: 'docs', routeBasePath: '/', sidebarPath: false }],
    () => ({ name: 'stubs', configureWebpack: () => ({ resolve: { alias: stubs } }) })
  ],
  themes: ['@docusaurus/theme-classic']
}
