import { type components, type Money, readError, unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { provePasskey } from "@/app/passkeys";

export type Payment = components["schemas"]["PaymentView"];

/** What is sent to pay, once for each key; nothing in it changes when it is sent again. */
export interface Order {
  payer: string;
  payee?: string;
  payee_mobile?: string;
  code?: string;
  amount: Money;
  description?: string;
  step_up?: string;
  /** Whom a person sees as the payee; not sent. */
  shown: string;
}

/** Returns an account or mobile number that somebody typed as the field of an order; or null. */
export function readPayee(typed: string): Pick<Order, "payee" | "payee_mobile"> | null {
  const text = typed.replaceAll(/[\s-]/gu, "");
  if (/^1\d{10}$/u.test(text)) return { payee_mobile: text };
  return /^acct_\d{12}$/u.test(text) ? { payee: text } : null;
}

/** Sends an order; the answer's `status` says whether it was paid or is held. */
export function sendOrder(order: Order, key: string): Promise<Payment> {
  const { payer, payee, payee_mobile, code, amount, description, step_up } = order;
  // The client leaves out what is undefined.
  const body = { payer, payee, payee_mobile, code, amount, description, step_up } as Omit<
    Order,
    "shown"
  >;
  const params = { header: { "Idempotency-Key": key } };
  return unwrap(api.POST("/v1/payments", { params, body }) as Promise<{
    data?: Payment;
    error?: unknown;
    response: Response;
  }>);
}

/** Proves for just this order that it is its payer who sends it; returns the step-up's id. */
export async function proveOrder(order: Order, pin: string | null): Promise<string | null> {
  const payee = order.payee ?? order.payee_mobile ?? order.code ?? null;
  const act = { kind: "payments.pay", amount: order.amount, payer: order.payer, payee };
  const factor = pin === null ? ("passkey" as const) : ("pin" as const);
  const begun = await unwrap(api.POST("/v1/identity/step-ups", { body: { act, factor } }));
  const credential = pin === null ? await provePasskey(begun.public_key ?? {}) : null;
  if (pin === null && credential === null) return null;
  const body = pin === null ? { credential } : { pin };
  const params = { path: { step_up: begun.id } };
  await unwrap(api.POST("/v1/identity/step-ups/{step_up}/proof", { params, body }));
  return begun.id;
}

/** Takes back what is held. */
export async function cancelHeld(payment: string, key: string): Promise<void> {
  const params = { path: { payment }, header: { "Idempotency-Key": key } };
  const answer = await api.POST("/v1/payments/{payment}/cancel", { params, body: {} });
  if (!answer.response.ok) throw readError(answer.response, answer.error);
}
