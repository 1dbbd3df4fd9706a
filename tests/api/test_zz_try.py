import httpx
async def test_try(api, client, anonymous, post):
    for path in ["/", "/docs", "/docs/swagger-ui.css", "/healthz","/readyz","/metrics","/nothing","/v1/customers","/openapi.json"]:
        r = await anonymous.get(path); print(path, r.status_code, r.headers.get("content-type"), len(r.content), r.text[:300] if r.status_code!=200 or path in("/readyz",) else "")
    r = await post("/v1/customers", {"name":"李雷","mobile":"13800000001","account_class":2}); print(r.status_code, r.text, r.headers)
    acct = r.json().get("account","acct_100000000190")
    for path in ["/v1/customers","/v1/customers?mobile=13800000001", "/v1/customers/"+r.json().get("id",""), f"/v1/accounts/{acct}", f"/v1/accounts/{acct}/balance?at=2026-01-01T00:00:00Z", f"/v1/accounts/{acct}/statement?from=2026-11-01", "/v1/ledger/trial-balance"]:
        r = await client.get(path); print(path, r.status_code, r.text[:300])
    for body in [{"name":"a\0b","mobile":"1","account_class":"2","x":1}]:
        r = await post("/v1/customers", body); print(r.status_code, r.text)
