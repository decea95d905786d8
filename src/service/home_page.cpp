#include "service/home_page.hpp"

namespace latchkey::service {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>latchkey</title>
<style>
:root { color-scheme: light dark }
body { font: 17px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto 4rem; padding: 0 1.25rem }
h1 { font-size: 1.75rem; margin: 0 0 .25rem }
pre { padding: .9rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  border-radius: .5rem; overflow-x: auto; font-size: .9rem }
li { margin: .35rem 0 }
</style>
</head>
<body>
<h1>latchkey</h1>
<p>Short-lived two-factor codes. A code is accepted once, within its lifetime, and never again.</p>
<ul>
<li><a href="/api/v1/getcode"><code>GET /api/v1/getcode</code></a> gets a code (each call issues a new one)</li>
<li><code>POST /api/v1/codes</code> gets a code for a subject and purpose</li>
<li><code>POST /api/v1/verify</code> checks a code and uses it up</li>
<li><a href="/openapi.json"><code>GET /openapi.json</code></a> describes the whole API</li>
<li><a href="/healthz"><code>GET /healthz</code></a> says that this copy is alive</li>
<li><a href="/readyz"><code>GET /readyz</code></a> says whether it can work, and what is missing</li>
</ul>
<pre>curl -X POST -H 'Content-Type: application/json' \
     -d '{"code":"ojE-161-pTv"}' /api/v1/verify</pre>
</body>
</html>
)";

}  // namespace

http::Response home_page() {
  http::Response response;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Cache-Control", "public, max-age=300");
  response.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = kPage;
  return response;
}

}  // namespace latchkey::service
