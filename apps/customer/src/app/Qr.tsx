import qrcode from "qrcode-generator";

/** A QR code as a picture that is sharp at any size. */
export function Qr({ text, label }: { text: string; label: string }) {
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const count = code.getModuleCount();
  const dots: string[] = [];
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) dots.push(`M${column} ${row}h1v1h-1z`);
  return (
    <div className="qr">
      <svg
        role="img"
        aria-label={label}
        viewBox={`-2 -2 ${count + 4} ${count + 4}`}
        shapeRendering="crispEdges"
      >
        <path d={dots.join("")} fill="#000" />
      </svg>
    </div>
  );
}
