"""Bodies of NOTIFYs in the shapes that Asterisk 22, Kamailio 5.6 and FreeSWITCH send, synthetic."""

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "urn:ietf:params:xml:ns:dialog-info"


def info(*dialogs: str, version: int = 0, state: str = "full", entity: str = "sip:2001@pbx.example") -> str:
    inside = "\n".join(dialogs)
    return (
        f'{HEAD}<dialog-info xmlns="{NAMESPACE}" version="{version}" state="{state}" entity="{entity}">\n'
        f"{inside}\n</dialog-info>\n"
    )


# -- Asterisk: one dialog, whose id is the extension; what it says of it comes from the hint. ---------------------

ASTERISK_IDLE = ' <dialog id="2001">\n  <state>terminated</state>\n </dialog>'
ASTERISK_RINGING = """ <dialog id="2001" direction="recipient">
  <remote>
   <identity display="Carol Desk">sip:2002@pbx.example</identity>
   <target uri="sip:2002@pbx.example" />
  </remote>
  <local>
   <identity display="Alice Desk">sip:2001@pbx.example</identity>
   <target uri="sip:2001@pbx.example" />
  </local>
  <state>early</state>
 </dialog>"""
ASTERISK_IN_USE = ' <dialog id="2001">\n  <state>confirmed</state>\n </dialog>'
ASTERISK_HELD = """ <dialog id="2001">
  <state>confirmed</state>
  <local>
   <target uri="sip:2001@pbx.example">
    <param pname="+sip.rendering" pvalue="no" />
   </target>
  </local>
 </dialog>"""


def asterisk_pidf(note: str, basic: str, activity: str = "") -> str:
    activities = f"<rpid:activities>\n   <rpid:{activity} />\n  </rpid:activities>" if activity else ""
    return (
        f'{HEAD}<presence entity="sip:2001@pbx.example" xmlns="urn:ietf:params:xml:ns:pidf"'
        ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid">\n'
        f" <note>{note}</note>\n"
        f' <tuple id="2001">\n  <status>\n   <basic>{basic}</basic>\n  </status>\n'
        '  <contact priority="1">sip:watcher@pbx.example</contact>\n </tuple>\n'
        f" <dm:person>{activities}</dm:person>\n</presence>\n"
    )


# -- Kamailio with pua_dialoginfo: one dialog for each call, kept as terminated until its publication expires. -----


def kamailio(state: str, call: int = 1, direction: str = "recipient") -> str:
    return f"""  <dialog id="padi-7c11ab02-51d3-{call}" call-id="c0ffee{call}" direction="{direction}">
    <state>{state}</state>
    <remote>
      <identity>sip:2002@pbx.example</identity>
      <target uri="sip:2002@pbx.example"/>
    </remote>
    <local>
      <identity>sip:2001@pbx.example</identity>
      <target uri="sip:2001@pbx.example"/>
    </local>
  </dialog>"""


# -- FreeSWITCH: one document for each channel, each of which calls itself the full state. ------------------------


def freeswitch(state: str, channel: str = "a", direction: str = "recipient", rendering: str = "yes") -> str:
    return f"""<dialog id="5f2d0c44-{channel}" direction="{direction}">
<state>{state}</state>
<local>
<identity display="2001">sip:2001@pbx.example</identity>
<target uri="sip:2001@pbx.example">
<param pname="+sip.rendering" pvalue="{rendering}"/>
</target>
</local>
<remote>
<identity display="Carol">sip:2002@pbx.example</identity>
<target uri="sip:**2001@pbx.example"/>
</remote>
</dialog>"""
