import { beforeEach, describe, expect, it } from "vitest";
import { Act } from "./acts";
import { ApiError, readError, unwrap } from "./problems";

class Memory {
  private readonly kept = new Map<string, string>();
  getItem = (name: string) => this.kept.get(name) ?? null;
  setItem = (name: string, value: string) => void this.kept.set(name, value);
  removeItem = (name: string) => void this.kept.delete(name);
}

describe("an act", () => {
  let memory: Memory;
  beforeEach(() => {
    memory = new Memory();
  });

  it("keeps its key over retries and a page that is loaded again", () => {
    const key = new Act("pay", memory).keyFor({ amount: "1.00" });
    expect(new Act("pay", memory).keyFor({ amount: "1.00" })).toBe(key);
    expect(new Act("pay", memory).isPending).toBe(true);
  });

  it("takes another key for other content, and after it is settled", () => {
    const act = new Act("pay", memory);
    const key = act.keyFor({ amount: "1.00" });
    const other = act.keyFor({ amount: "2.00" });
    expect(other).not.toBe(key);
    act.settle();
    expect(act.isPending).toBe(false);
    expect(act.keyFor({ amount: "2.00" })).not.toBe(other);
  });

  it("begins anew where what was kept is broken", () => {
    memory.setItem("huitong.act.pay", "{");
    expect(new Act("pay", memory).isPending).toBe(false);
    expect(new Act("pay", memory).keyFor(1)).toMatch(/^[0-9a-f-]{36}$/u);
  });
});

describe("what is known after a failure", () => {
  const problem = { code: "c", detail: "d", title: "t", status: 422 };

  it.each([
    [422, problem, "refused"],
    [503, problem, "unavailable"],
    [429, problem, "unavailable"],
    [503, "<html>", "unknown"],
    [500, problem, "unknown"],
    [404, undefined, "unknown"],
  ])("is for %i %j: %s", (status, body, outcome) => {
    expect(readError(new Response(null, { status }), body).outcome).toBe(outcome);
  });

  it("is unknown when no answer came", async () => {
    const error: unknown = await unwrap(Promise.reject(new TypeError("fetch"))).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).outcome).toBe("unknown");
  });
});
