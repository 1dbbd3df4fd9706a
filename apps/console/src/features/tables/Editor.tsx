import "@gorules/jdm-editor/dist/style.css";
import { DecisionTable, JdmConfigProvider } from "@gorules/jdm-editor";
import type { ReactNode } from "react";
import { usePreferences } from "@/app/text";
import type { EditorTable } from "./content";

interface Props {
  value: EditorTable;
  isReadOnly: boolean;
  onChange: (table: EditorTable) => void;
}

/** The grid in which rows of a decision table are written. */
export default function Editor({ value, isReadOnly, onChange }: Props): ReactNode {
  const { theme } = usePreferences();
  return (
    <JdmConfigProvider theme={{ mode: theme }}>
      <DecisionTable
        value={value}
        permission="edit:rules"
        disabled={isReadOnly}
        tableHeight={420}
        onChange={(next) => onChange(next as unknown as EditorTable)}
      />
    </JdmConfigProvider>
  );
}
